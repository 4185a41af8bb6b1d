import type { Executor, ExecutorPhase } from './executor';
import type { ExecutorStatus } from './run-api';

/** What an instance knows of one of its executors: plain data, so that it can come from another thread. */
export interface ExecutorSnapshot {
  readonly phase: ExecutorPhase;
  readonly recordsIn: number;
  readonly recordsOut: number;
  readonly skipped: number;
  readonly deadLettered: number;
  readonly status: ExecutorStatus;
}

export function snapshotOf(executor: Executor): ExecutorSnapshot {
  return {
    phase: executor.phase,
    recordsIn: executor.pump.recordsIn,
    recordsOut: executor.epochs.statistics.recordsOut,
    ...executor.badRecords.counts,
    status: executor.status(),
  };
}
