import { Option, type Command } from 'commander';
import { resolveConfig } from '../config/resolve-config';
import type { ResolvedConfig } from '../config/resolved-config';
import type { FlagValues } from '../config/settings';
import { TidemarkError } from '../errors';

/** What commander makes of the flags that set options. */
export interface ConfigFlags {
  readonly brokers?: string;
  readonly applicationId?: string;
  readonly instanceId?: string;
  readonly executors?: string;
  readonly stateDir?: string;
  readonly config?: string;
  readonly set: readonly string[];
}

/** `--brokers`, `--config` and `--set`: for every command that reads the configuration. */
export function addConnectionFlags(command: Command): Command {
  return command
    .option('--brokers <list>', 'Kafka brokers, host:port separated by commas')
    .option('--config <file>', 'configuration file, YAML or JSON')
    .addOption(
      new Option('--set <key=value>', 'set any option of docs/configuration.md; may be repeated')
        .argParser((value: string, all: readonly string[]) => [...all, value])
        .default([], 'none'),
    );
}

/** The flags of one instance of a job, on top of the connection. */
export function addInstanceFlags(command: Command): Command {
  return addConnectionFlags(command)
    .option('--application-id <id>', 'names the job and its consumer group; default: name of the job')
    .option('--instance-id <id>', 'names this process; default: host name and first free slot')
    .option('--executors <n>', 'worker threads of this process')
    .option('--state-dir <dir>', 'folder of the local stores');
}

/** The configuration of a command. @throws TidemarkError TM1001, TM1002, TM1009 */
export function configFromFlags(
  flags: ConfigFlags,
  env: NodeJS.ProcessEnv,
  jobName?: string,
): ResolvedConfig {
  return resolveConfig({
    cliFlags: optionValues(flags),
    set: flags.set,
    env,
    ...(flags.config === undefined ? {} : { file: flags.config }),
    ...(jobName === undefined ? {} : { jobName }),
  });
}

function optionValues(flags: ConfigFlags): FlagValues {
  const named = {
    'kafka.brokers': flags.brokers,
    'application-id': flags.applicationId,
    'instance-id': flags.instanceId,
    executors: flags.executors,
    'state-dir': flags.stateDir,
  };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
}

/** @throws TidemarkError TM1005 when no source of the configuration names a broker */
export function requireBrokers(config: ResolvedConfig): void {
  if (config.kafka.brokers.length > 0) return;
  throw new TidemarkError('TM1005', 'usage', 'no Kafka brokers are given', {
    hint: "pass --brokers, set TIDEMARK_KAFKA_BROKERS, or start a local Kafka with 'tidemark dev'",
  });
}
