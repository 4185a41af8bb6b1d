import type { JobStatus } from '../../runtime/run-api';

/** What a person wants to know of a running instance, from two looks at its status. */
export interface Progress {
  readonly state: JobStatus['state'];
  readonly recordsIn: number;
  readonly recordsOut: number;
  readonly skipped: number;
  readonly deadLettered: number;
  /** Input records per second since the look before; 0 at the first one. */
  readonly recordsPerSecond: number;
  /** Committed epochs of all executors together. */
  readonly epochs: number;
  readonly abortedEpochs: number;
  readonly runningTasks: number;
  readonly tasks: number;
  /** Records that wait in all input partitions together; null while one of them is unknown. */
  readonly lag: number | null;
  /** Longest last commit of an executor, milliseconds; null before the first. */
  readonly commitMs: number | null;
}

/** The rate over the time since the look before; `nowMs` is monotonic. */
export class ProgressMeter {
  private last: { readonly atMs: number; readonly recordsIn: number } | undefined;

  measure(status: JobStatus, nowMs: number): Progress {
    const rate = this.rateSince(status.recordsIn, nowMs);
    this.last = { atMs: nowMs, recordsIn: status.recordsIn };
    return { ...totals(status), recordsPerSecond: rate };
  }

  private rateSince(recordsIn: number, nowMs: number): number {
    if (this.last === undefined || nowMs <= this.last.atMs) return 0;
    // A restart within the process may begin to count anew.
    const records = Math.max(0, recordsIn - this.last.recordsIn);
    return Math.round((records * 1000) / (nowMs - this.last.atMs));
  }
}

function totals(status: JobStatus): Omit<Progress, 'recordsPerSecond'> {
  const tasks = status.executors.flatMap((executor) => executor.tasks);
  const lags = tasks.flatMap((task) => task.positions.map((position) => position.lag));
  const commits = status.executors.map((executor) => executor.lastCommitMs).filter((ms) => ms !== null);
  return {
    state: status.state,
    recordsIn: status.recordsIn,
    recordsOut: status.recordsOut,
    skipped: status.skipped,
    deadLettered: status.deadLettered,
    epochs: sum(status.executors.map((executor) => executor.epochs)),
    abortedEpochs: sum(status.executors.map((executor) => executor.abortedEpochs)),
    runningTasks: tasks.filter((task) => task.state === 'running').length,
    tasks: tasks.length,
    lag: lags.reduce(
      (all, lag) => (all === null || lag === null ? null : all + lag),
      lags.length === 0 ? null : 0,
    ),
    commitMs: commits.length === 0 ? null : Math.round(Math.max(...commits)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

/** `running · 120,000 records/s · 3,400,000 records · epoch 512 (1 aborted) · lag 90 · commit 8 ms · 4 tasks` */
export function formatProgress(progress: Progress): string {
  const aborted = progress.abortedEpochs === 0 ? '' : ` (${count(progress.abortedEpochs)} aborted)`;
  const parts = [
    progress.state,
    `${count(progress.recordsPerSecond)} records/s`,
    `${count(progress.recordsIn)} records`,
    `epoch ${count(progress.epochs)}${aborted}`,
    `lag ${progress.lag === null ? '?' : count(progress.lag)}`,
  ];
  if (progress.commitMs !== null) parts.push(`commit ${progress.commitMs} ms`);
  if (progress.skipped > 0) parts.push(`${count(progress.skipped)} skipped`);
  if (progress.deadLettered > 0) parts.push(`${count(progress.deadLettered)} dead letters`);
  const tasks = progress.tasks === 1 ? '1 task' : `${progress.tasks} tasks`;
  const all = progress.runningTasks === progress.tasks;
  parts.push(all ? tasks : `${progress.runningTasks} of ${tasks}`);
  return parts.join(' · ');
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
