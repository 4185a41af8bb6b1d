import type { Scheduler } from '../util/ports';
import { internalError } from './executor';
import type { ExecutorHandle } from './executor-thread';
import type { JobRun, JobState, JobStatus } from './run-api';

export interface InstanceOptions {
  readonly applicationId: string;
  readonly instanceId: string;
  readonly executors: readonly ExecutorHandle[];
  readonly untilEnd: boolean;
  readonly scheduler: Scheduler;
  /** Runs once, when every executor has ended. */
  readonly onEnd: () => Promise<void>;
}

const AT_END_CHECK_MS = 100;

/** A process of a job: its executors, and the end of all when one fails. */
export class Instance implements JobRun {
  readonly finished: Promise<void>;
  private readonly options: InstanceOptions;
  private stopping = false;
  private ended: 'finished' | 'failed' | null = null;

  constructor(options: InstanceOptions) {
    this.options = options;
    this.finished = this.watch();
    // A caller that only looks at status() must not be killed by an unhandled rejection.
    this.finished.catch(() => undefined);
    if (options.untilEnd) void this.stopWhenAtEnd();
  }

  async stop(): Promise<void> {
    this.stopExecutors();
    await this.finished;
  }

  status(): JobStatus {
    const { applicationId, instanceId, executors } = this.options;
    const snapshots = executors
      .map((executor) => executor.snapshot())
      .filter((snapshot) => snapshot !== null);
    const sum = (pick: (snapshot: (typeof snapshots)[number]) => number): number =>
      snapshots.reduce((total, snapshot) => total + pick(snapshot), 0);
    return {
      applicationId,
      instanceId,
      state: this.state(snapshots.map(({ phase }) => phase)),
      executors: snapshots.map(({ status }) => status),
      recordsIn: sum(({ recordsIn }) => recordsIn),
      recordsOut: sum(({ recordsOut }) => recordsOut),
      skipped: sum(({ skipped }) => skipped),
      deadLettered: sum(({ deadLettered }) => deadLettered),
    };
  }

  private state(phases: readonly JobState[]): JobState {
    if (this.ended !== null) return this.ended;
    if (this.stopping) return 'stopping';
    if (phases.length < this.options.executors.length || phases.includes('starting')) return 'starting';
    return phases.includes('restoring') ? 'restoring' : 'running';
  }

  private stopExecutors(): void {
    this.stopping = true;
    for (const executor of this.options.executors) executor.stop();
  }

  private async watch(): Promise<void> {
    const ends = this.options.executors.map((executor) =>
      executor.finished.catch((error: unknown) => {
        this.stopExecutors();
        throw error;
      }),
    );
    const results = await Promise.allSettled(ends);
    await this.options.onEnd();
    const failed = results.find((result) => result.status === 'rejected');
    this.ended = failed === undefined ? 'finished' : 'failed';
    if (failed !== undefined) throw internalError(failed.reason);
  }

  /** With `--until-end`: stops when all executors were at the end twice with nothing committed in between. */
  private async stopWhenAtEnd(): Promise<void> {
    let before: string | null = null;
    while (!this.stopping && this.ended === null) {
      await this.options.scheduler.sleep(AT_END_CHECK_MS);
      const epochs = await Promise.all(this.options.executors.map((executor) => executor.epochsAtEnd()));
      const now: string | null = epochs.includes(null) ? null : epochs.join();
      if (now !== null && now === before) this.stopExecutors();
      before = now;
    }
  }
}
