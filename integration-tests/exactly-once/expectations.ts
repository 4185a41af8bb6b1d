import type { KillMatrixResult } from './kill-matrix';

/** What every case of the matrix must show, as one object, so that a failure shows all that is wrong at once. */
export function summaryOf({ deaths, lastExit, verdict, inconsistencies }: KillMatrixResult): object {
  const { total, gaps, repeats, misplaced, malformed, under } = verdict;
  const otherEnds = deaths.filter(({ exit }) => exit.signal !== 'SIGKILL');
  return {
    otherEnds,
    lastExit: lastExit.code,
    total,
    gaps,
    repeats,
    misplaced,
    malformed,
    under,
    inconsistencies,
  };
}

/** Every click counted once, every count written once. */
export function exactlyOnce(clicks: number): object {
  const nothing = { gaps: 0, repeats: 0, misplaced: 0, malformed: 0, under: 0 };
  return { otherEnds: [], lastExit: 0, total: clicks, ...nothing, inconsistencies: [] };
}

/** Counted twice is allowed; counted too rarely, or with a hole in what was written, is not. */
export function atLeastOnce({ verdict }: KillMatrixResult, clicks: number): object {
  return { ...exactlyOnce(clicks), total: Math.max(clicks, verdict.total), repeats: verdict.repeats };
}
