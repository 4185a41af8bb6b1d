import { resolveConfig } from './config/resolve-config';
import type { CodeOptions } from './config/options';
import type { Job } from './dsl/job';
import { runJob as runResolved } from './runtime/run-job';
import type { JobRun } from './runtime/run-api';
import { silentLogger, type Logger } from './util/logger';

/** What {@link runJob} takes beside the options of docs/configuration.md, by their names in code. */
export interface RunJobExtras {
  /** Absolute path of the module whose default export is the job: needed for more than one executor. */
  readonly modulePath?: string;
  /** Default: nothing is logged. */
  readonly logger?: Logger;
  /** Process up to the end offsets seen at start, through all stages; then finish. Default false. */
  readonly untilEnd?: boolean;
}

/**
 * Runs a job in this process: `await runJob(job, { brokers: ['localhost:9092'] })`. Resolves when it has started;
 * `run.finished` settles when it has ended, `run.stop()` ends it after a final epoch.
 * @throws {TidemarkError} reaction `usage` for everything that is refused at start
 */
export function runJob(job: Job, options: CodeOptions & RunJobExtras = {}): Promise<JobRun> {
  const { modulePath, logger = silentLogger, untilEnd = false, ...code } = options;
  const config = resolveConfig({ code, env: process.env, jobName: job.name });
  return runResolved(job, config, { logger, untilEnd, ...(modulePath === undefined ? {} : { modulePath }) });
}
