import type { KafkaConfig } from '../config/resolved-config';
import type { KafkaPort } from '../kafka/port';
import type { RunJob } from '../runtime/run-api';
import type { CliIo } from './io';
import type { LoadedJob } from '../runtime/load-job';

/** A Kafka for development that this process started, or found. */
export interface LocalKafka {
  /** `host:port`, separated by commas. */
  readonly brokers: string;
  /** False: the environment names one that runs already. */
  readonly started: boolean;
  /** Ends it if this process started it. */
  stop(): Promise<void>;
}

/** The engine as the commands see it; tests put their own in. */
export interface CliServices {
  /** @throws TidemarkError TM1003, TM1008 */
  readonly loadJob: (path: string) => Promise<LoadedJob>;
  readonly runJob: RunJob;
  readonly connectKafka: (config: KafkaConfig) => KafkaPort;
  /** `report` takes sentences about what is being done. @throws TidemarkError TM1005, TM1010 */
  readonly startLocalKafka: (port: number | undefined, report: (line: string) => void) => Promise<LocalKafka>;
}

/** What every command gets. */
export interface CommandContext {
  readonly io: CliIo;
  readonly services: CliServices;
}
