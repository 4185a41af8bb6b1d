import type { Job } from '../dsl/job';
import type { ResolvedConfig } from '../config/resolved-config';
import type { Logger } from '../util/logger';

/** What the command line and programs hold of a running instance. Implemented by `run-job.ts`. */
export interface RunOptions {
  /** Absolute path of the module that exports the job; needed for more than one executor. */
  readonly modulePath?: string;
  readonly logger: Logger;
  /** Process up to the end offsets seen at start, through all stages; then finish. Default false. */
  readonly untilEnd?: boolean;
}

export type RunJob = (job: Job, config: ResolvedConfig, options: RunOptions) => Promise<JobRun>;

/** A running instance of a job. */
export interface JobRun {
  /** Resolves when the instance has left cleanly; rejects with the TidemarkError that ended the job. */
  readonly finished: Promise<void>;
  status(): JobStatus;
  /** Final epoch, clean leave; resolves when done. Idempotent. */
  stop(): Promise<void>;
}

/** What an instance is doing: `restoring` while it recovers tasks, `stopping` after a request to stop. */
export type JobState = 'starting' | 'restoring' | 'running' | 'stopping' | 'finished' | 'failed';
/** What a task is doing. */
export type TaskState = 'restoring' | 'running' | 'closing';

/** An instance at one moment, its executors and their tasks. */
export interface JobStatus {
  readonly applicationId: string;
  readonly instanceId: string;
  readonly state: JobState;
  readonly executors: readonly ExecutorStatus[];
  /** Since the start of this instance, committed or not. */
  readonly recordsIn: number;
  /** Records of committed epochs written to sink topics since the start of this instance. */
  readonly recordsOut: number;
  /** Bad records passed over by the policy `skip` since the start of this instance, each once. */
  readonly skipped: number;
  /** Bad records written to a dead-letter topic since the start of this instance, each once. */
  readonly deadLettered: number;
}

/** One executor: its place in the group, its commits, its tasks. */
export interface ExecutorStatus {
  readonly index: number;
  /** Null while it is not a member of the group. */
  readonly memberId: string | null;
  readonly generation: number;
  readonly transactionalId: string;
  readonly epochs: number;
  readonly abortedEpochs: number;
  /** Duration of the last commit in milliseconds; null before the first. */
  readonly lastCommitMs: number | null;
  readonly tasks: readonly TaskStatus[];
}

/** One task: one stage on one partition. */
export interface TaskStatus {
  readonly id: string;
  readonly stage: string;
  readonly partition: number;
  readonly state: TaskState;
  /** Number of the task's last committed epoch. */
  readonly epoch: number;
  readonly positions: readonly InputPosition[];
}

/** How far a task is in one of its inputs. */
export interface InputPosition {
  readonly topic: string;
  readonly partition: number;
  /** First offset that is not yet committed. */
  readonly offset: bigint;
  /** Records between that offset and the end of the partition; null while the end is unknown. */
  readonly lag: number | null;
}
