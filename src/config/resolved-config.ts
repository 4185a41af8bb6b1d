import type { BadInputPolicy } from '../topology/graph';

/**
 * The configuration as the runtime takes it: every value present, parsed and checked, times in milliseconds, sizes in
 * bytes, frozen all the way down. Made by `resolveConfig` only; nothing below the command line reads raw options.
 */
export interface ResolvedConfig {
  /** Names the job and its consumer group. */
  readonly applicationId: string;
  /** Null: host name plus the first free slot on this host, claimed when the instance starts. */
  readonly instanceId: string | null;
  /** Worker threads of this process, each a group member with a transactional producer of its own. */
  readonly executors: number;
  /** Absolute. Local stores; a cache that may be lost. */
  readonly stateDir: string;
  /** Prefix of the transactional ids; the application id unless `sink.transactional-id-prefix` says otherwise. */
  readonly transactionalIdPrefix: string;
  /** An executor without progress for this long is fenced and leaves (PROTOCOL B7). */
  readonly maxPollIntervalMs: number;
  readonly epoch: EpochConfig;
  readonly checkpointing: CheckpointingConfig;
  readonly state: StateConfig;
  readonly kafka: KafkaConfig;
  /** The job's default; a source may have its own. */
  readonly badInput: BadInputPolicy;
  readonly restart: RestartConfig;
  /** Partitions of shuffle topics; null: as many as the widest source has. */
  readonly parallelism: number | null;
  /** Number of key groups; an upper bound of any parallelism, fixed for the life of the state. */
  readonly maxParallelism: number;
  readonly log: LogConfig;
  /** Sentences to log at start: an alias that was taken, an environment variable that looks misspelt. */
  readonly notices: readonly string[];
}

export interface EpochConfig {
  /** An epoch ends at the latest after this time. */
  readonly intervalMs: number;
  /** Least gap between two commits when the input is drained. */
  readonly minIntervalMs: number;
  /** An epoch ends when its uncommitted state changes exceed this. */
  readonly maxDirtyBytes: number;
  /** An epoch ends when its encoded, unsent output exceeds this. */
  readonly maxOutputBytes: number;
}

export type ProcessingGuarantee = 'EXACTLY_ONCE' | 'AT_LEAST_ONCE';
export type CheckpointRetention =
  'DELETE_ON_CANCELLATION' | 'RETAIN_ON_CANCELLATION' | 'NO_EXTERNALIZED_CHECKPOINTS';

export interface CheckpointingConfig {
  readonly intervalMs: number;
  readonly mode: ProcessingGuarantee;
  readonly timeoutMs: number;
  readonly minPauseMs: number;
  readonly maxConcurrent: number;
  /** Null: unlimited. */
  readonly tolerableFailed: number | null;
  readonly numRetained: number;
  readonly retention: CheckpointRetention;
  /** `file:///…` or `s3://…`, without a slash at the end. */
  readonly dir: string;
  readonly savepointDir: string;
  readonly incremental: boolean;
}

export interface StateConfig {
  readonly backend: 'leveldb' | 'heap';
  /** Deserialized values kept per executor; 0 turns the object cache off. */
  readonly cacheMaxEntries: number;
}

/** File paths are absolute and were readable when the configuration was resolved. */
export interface SslConfig {
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  readonly keyPassphrase: string | null;
  /** Host name to check the certificate against; null: the broker's own. */
  readonly serverName: string | null;
}

export type SaslConfig =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  | { readonly mechanism: 'oauthbearer'; readonly oauthbearer: TokenSourceConfig };

/** Where tokens come from: a file, or an endpoint with all that it takes; what is not of it is null. */
export interface TokenSourceConfig {
  /** Absolute. */
  readonly tokenFile: string | null;
  readonly tokenEndpointUrl: string | null;
  readonly clientId: string | null;
  readonly clientSecret: string | null;
  readonly scope: string | null;
}

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

export interface KafkaConfig {
  /** `host:port` each. Empty when none were given: the command that needs them refuses with TM1005. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Null: plain text. */
  readonly ssl: SslConfig | null;
  readonly sasl: SaslConfig | null;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly transactionTimeoutMs: number;
  readonly fetch: KafkaFetchConfig;
  readonly internalTopics: InternalTopicsConfig;
  readonly compression: Compression;
  /** Largest record batch that is sent, header included. */
  readonly maxBatchBytes: number;
}

export interface KafkaFetchConfig {
  readonly maxWaitMs: number;
  readonly maxPartitionBytes: number;
  /** Fetched and not yet processed, per executor; fetching pauses above it. */
  readonly maxBufferedBytes: number;
}

export interface InternalTopicsConfig {
  /** Names start with this; the application id by default. */
  readonly prefix: string;
  /** Null: the broker's default. */
  readonly replicationFactor: number | null;
  readonly minInsyncReplicas: number | null;
}

/** What happens when the job fails with something that a new start may heal; names as Flink's `restart-strategy.*`. */
export type RestartConfig =
  | { readonly kind: 'none' }
  | { readonly kind: 'fixed-delay'; readonly attempts: number; readonly delayMs: number }
  | {
      readonly kind: 'exponential-delay';
      readonly initialBackoffMs: number;
      readonly maxBackoffMs: number;
      readonly backoffMultiplier: number;
      /** Running this long without a failure sets the delay back to the initial one. */
      readonly resetBackoffThresholdMs: number;
      /** Share of the delay that is added or taken away at random, 0 to 1. */
      readonly jitterFactor: number;
      /** Failures in a row before the job gives up; null: unlimited. */
      readonly attemptsBeforeReset: number | null;
    };

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogConfig {
  readonly level: LogLevel;
}
