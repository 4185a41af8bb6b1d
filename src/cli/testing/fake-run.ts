import type { JobRun, JobState, JobStatus } from '../../runtime/run-api';

/** A run that ends when a test says so. */
export class FakeRun implements JobRun {
  readonly finished: Promise<void>;
  finish: () => void = () => undefined;
  fail: (error: unknown) => void = () => undefined;
  stops = 0;
  /** Whether stop() ends the run. */
  stopsCleanly = true;
  state: JobState = 'running';
  recordsIn = 0;
  lag: number | null = 5;

  constructor() {
    this.finished = new Promise((resolve, reject) => {
      this.finish = resolve;
      this.fail = reject;
    });
    this.finished.catch(() => undefined);
  }

  stop(): Promise<void> {
    this.stops++;
    if (this.stopsCleanly) this.finish();
    return this.stopsCleanly ? Promise.resolve() : new Promise(() => undefined);
  }

  status(): JobStatus {
    const position = { topic: 'clicks', partition: 0, offset: 7n, lag: this.lag };
    const task = {
      id: 'clicks/0',
      stage: 'clicks',
      partition: 0,
      state: 'running',
      epoch: 3,
      positions: [position],
    } as const;
    const executor = {
      index: 0,
      memberId: 'm',
      generation: 1,
      transactionalId: 't',
      epochs: 3,
      abortedEpochs: 1,
      lastCommitMs: 7.6,
      tasks: [task],
    };
    return {
      applicationId: 'clicks',
      instanceId: 'i',
      state: this.state,
      executors: [executor],
      recordsIn: this.recordsIn,
      recordsOut: 2,
      skipped: 0,
      deadLettered: 0,
    };
  }
}
