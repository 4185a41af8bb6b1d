import { isDeepStrictEqual } from 'node:util';
import { writeFile } from 'node:fs/promises';
import { obtainKafka } from '../../src/provision';
import { createJudge } from '../judge/judge';
import { atLeastOnce, exactlyOnce, summaryOf } from './expectations';
import { pointsOf } from './fault-plan';
import { loadProgress, nameOf, renderReport, saveProgress, type Row } from './full-report';
import { killMatrixCase } from './kill-matrix';
import { FACTORS, MODES, TRANSACTION_VERSION } from './matrix';
import { product } from './pairwise';

export interface FullTierOptions {
  readonly clicks: number;
  readonly users: number;
  /** Only cases whose name contains this. */
  readonly only: string;
  /** Stamp of the compiled sources. */
  readonly sources: string;
  readonly progressFile: string;
  /** Where the report goes; takes the day. */
  readonly reportFile: (day: string) => string;
  readonly print: (line: string) => void;
}

type Case = ReturnType<typeof allCases>[number];

/** Exactly once first: it is what the project promises. */
function allCases() {
  return product({ mode: MODES, ...FACTORS });
}

/**
 * Runs the cases of the full product that have not held yet with these sources, each on a broker of its own, and writes
 * the report after each.
 * @returns whether all cases that were asked for hold
 */
export async function runFullTier(options: FullTierOptions): Promise<boolean> {
  const { progressFile, sources, print, only, reportFile } = options;
  const progress = await loadProgress(progressFile, sources);
  const cases = allCases();
  const wanted = cases.filter((one) => caseName(one).includes(only));
  for (const [index, one] of wanted.entries()) {
    const name = caseName(one);
    const label = `${String(index + 1).padStart(2)}/${wanted.length} ${name.padEnd(44)}`;
    if (progress.rows[name]?.holds === true) {
      print(`${label} held before`);
      continue;
    }
    const row = await runCase(one, cases.indexOf(one) + 1, options);
    progress.rows[name] = row;
    print(`${label} ${row.holds ? 'holds' : 'FAILS'} ${row.seconds.toFixed(0)} s ${row.problem}`);
    await saveProgress(progressFile, progress);
    await writeFile(reportFile(progress.day), renderReport(progress, cases.length));
  }
  return wanted.every((one) => progress.rows[caseName(one)]?.holds === true);
}

function caseName({ version, ...rest }: Case): string {
  return nameOf({ kafka: version, ...rest });
}

async function runCase(one: Case, seed: number, { clicks, users }: FullTierOptions): Promise<Row> {
  const { version, ...setting } = one;
  const startedAt = Date.now();
  const facts = { kafka: version, ...setting, clicks };
  const unknown = { deaths: 0, total: null, gaps: null, repeats: null };
  const kafka = await obtainKafka({ source: 'local', version });
  try {
    const judge = await createJudge(kafka);
    const faultPoints = pointsOf({ ...setting, transactionVersion: TRANSACTION_VERSION[version] });
    const result = await killMatrixCase({
      kafka,
      judge,
      ...setting,
      clicks,
      users,
      seed,
      randomKills: 5,
      faultPoints,
    });
    const { total, gaps, repeats, firstProblems } = result.verdict;
    const wanted = setting.mode === 'EXACTLY_ONCE' ? exactlyOnce(clicks) : atLeastOnce(result, clicks);
    const holds = isDeepStrictEqual(summaryOf(result), wanted);
    const problem = holds ? '' : [...firstProblems, ...result.inconsistencies].slice(0, 5).join('; ');
    return {
      ...facts,
      deaths: result.deaths.length,
      total,
      gaps,
      repeats,
      seconds: result.seconds,
      holds,
      problem,
    };
  } catch (error) {
    const problem = (error instanceof Error ? error.message : String(error))
      .split('\n')
      .slice(0, 3)
      .join(' ');
    return { ...facts, ...unknown, seconds: (Date.now() - startedAt) / 1000, holds: false, problem };
  } finally {
    await kafka.stop();
  }
}
