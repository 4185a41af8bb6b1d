import type { Command } from 'commander';
import { redactedConfig } from '../../config/redact';
import type { ResolvedConfig } from '../../config/resolved-config';
import type { JobRun } from '../../runtime/run-api';
import { addInstanceFlags, configFromFlags, requireBrokers, type ConfigFlags } from '../config-flags';
import { STOP_DEADLINE_MS, stopWithin, watchSignals } from '../graceful-stop';
import type { CliIo } from '../io';
import { refuseLater } from '../later';
import { humanLogger } from '../log/human-logger';
import { jsonLogger } from '../log/json-logger';
import type { Logger } from '../../util/logger';
import { LiveLine } from '../progress/live-line';
import { reportProgress } from '../progress/reporter';
import type { CommandContext } from '../services';

/** How long a stop waits for a start under way, to leave the group cleanly. */
const START_GRACE_MS = 3_000;

interface RunFlags extends ConfigFlags {
  readonly init?: string;
  readonly fromSavepoint?: string;
  readonly allowNonRestoredState?: boolean;
  readonly untilEnd?: boolean;
  readonly json?: boolean;
}

export function addRunCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('run')
    .description('run a job as an instance of its application, until it is stopped or done')
    .argument('<job>', 'job file: .ts or .js')
    .option('-i, --init <file.sql>', 'SQL to run before the job (not in this release)')
    .option('-s, --from-savepoint <place>', 'restore: PATH, latest or a checkpoint id (not in this release)')
    .option('-n, --allow-non-restored-state', 'let a restore leave state behind (not in this release)')
    .option('--until-end', 'process up to the end offsets seen at start, then finish')
    .option('--json', 'log lines in JSON also on a terminal');
  addInstanceFlags(command).action((path: string, flags: RunFlags) => run(path, flags, context));
}

async function run(path: string, flags: RunFlags, { io, services }: CommandContext): Promise<void> {
  if (flags.init !== undefined) refuseLater('--init', 'the SQL release');
  if (flags.fromSavepoint !== undefined) refuseLater('--from-savepoint', 'the checkpoint release');
  if (flags.allowNonRestoredState === true)
    refuseLater('--allow-non-restored-state', 'the checkpoint release');
  // Signals count from the first moment: a supervisor may stop what is still starting.
  const signals = watchSignals(io);
  try {
    const { job, modulePath } = await services.loadJob(path);
    const config = configFromFlags(flags, io.env, job.name);
    requireBrokers(config);
    const { logger, line } = outputsOf(config, io, flags.json === true);
    announce(job.name, config, logger);
    const started = services.runJob(job, config, { modulePath, logger, untilEnd: flags.untilEnd === true });
    const first = await Promise.race([started, signals.stopAsked]);
    if (typeof first === 'string') return await leaveUnstarted(started, first, logger, io);
    await follow(first, { io, logger, line, stopAsked: signals.stopAsked });
  } finally {
    signals.dispose();
  }
}

/** Asked to stop before the job had started, perhaps while no broker answers: nothing was read, nothing is lost. */
async function leaveUnstarted(
  started: Promise<JobRun>,
  signal: string,
  logger: Logger,
  io: CliIo,
): Promise<void> {
  logger.info('stopping', { signal });
  const stopped = started.then((jobRun) => jobRun.stop()).catch(() => undefined);
  let cancel = (): void => undefined;
  const late = new Promise<void>(
    (resolve) => (cancel = io.platform.scheduler.after(START_GRACE_MS, resolve)),
  );
  await Promise.race([stopped, late]);
  cancel();
}

interface Outputs {
  readonly logger: Logger;
  /** Null when nobody watches. */
  readonly line: LiveLine | null;
}

function outputsOf(config: ResolvedConfig, io: CliIo, json: boolean): Outputs {
  const watched = io.stdout.isTerminal && !json && io.env['TERM'] !== 'dumb';
  if (!watched) {
    const bound = { application: config.applicationId };
    return { logger: jsonLogger(config.log.level, (text) => io.stdout.write(text), bound), line: null };
  }
  const line = new LiveLine(io.stdout);
  return { logger: humanLogger(config.log.level, io.platform.clock, (text) => line.print(text)), line };
}

function announce(jobName: string, config: ResolvedConfig, logger: Logger): void {
  for (const notice of config.notices) logger.warn(notice);
  logger.info('starting', { job: jobName, brokers: config.kafka.brokers.join(',') });
  logger.debug('configuration', { config: redactedConfig(config) });
}

interface Follower extends Outputs {
  readonly io: CliIo;
  readonly stopAsked: Promise<string>;
}

/** Shows progress until the run ends, by itself or because somebody asked it to stop. */
async function follow(jobRun: JobRun, { io, logger, line, stopAsked }: Follower): Promise<void> {
  const endProgress = reportProgress(() => jobRun.status(), { line, logger }, io.platform);
  try {
    const asked = await Promise.race([jobRun.finished, stopAsked]);
    if (typeof asked === 'string') {
      logger.info('stopping', { signal: asked });
      await stopWithin(STOP_DEADLINE_MS, jobRun, io.platform);
    }
  } finally {
    endProgress();
    line?.clear();
  }
  const { recordsIn, recordsOut, skipped, deadLettered } = jobRun.status();
  logger.info('done', { recordsIn, recordsOut, skipped, deadLettered });
}
