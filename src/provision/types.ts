/** Where a Kafka came from. */
export type KafkaSource = 'environment' | 'docker' | 'local';

/** How a listener is secured, as `listener.security.protocol.map` names it. */
export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';

/** One broker of a {@link KafkaHandle}. */
export interface BrokerNode {
  /** `node.id`, from 1. */
  readonly id: number;
  /** `host:port` for clients; the same over restarts. */
  readonly address: string;
  /** `host:port` of each listener that was asked for in {@link ObtainKafkaOptions.listeners}, by its name. */
  readonly listeners: Readonly<Record<string, string>>;
  /** Process id of the server while it runs as a process of this machine. */
  readonly pid: number | undefined;
  /** Starts it on the same data and port and waits until it answers. Does nothing when it runs. @throws TidemarkError TM1010 */
  start(): Promise<void>;
  /** SIGTERM and, after a limit, SIGKILL; resolves when it has ended. Does nothing when it does not run. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when it has ended. Does nothing when it does not run. */
  kill(): Promise<void>;
  isRunning(): boolean;
}

/** A Kafka that answers. */
export interface KafkaHandle {
  /** `host:port` of each broker. */
  readonly brokers: readonly string[];
  /** Version of the brokers; `unknown` when the environment names the cluster. */
  readonly version: string;
  readonly source: KafkaSource;
  /** The brokers. Those of source `environment` cannot be started, stopped or killed: TM1010. */
  readonly nodes: readonly BrokerNode[];
  /** Folder of the server's jars, source `local` only. */
  readonly libDir: string | undefined;
  /** Folder with a log file for each broker, source `local` only. */
  readonly logDir: string | undefined;
  /** Ends all that was started and deletes its data (not in a `dataDir` that the caller named). May be called twice. */
  stop(options?: StopOptions): Promise<void>;
}

export interface StopOptions {
  /** Leave the server logs in `logDir`. Default false. */
  readonly keepLogs?: boolean;
}

export interface ObtainKafkaOptions {
  /** Apache Kafka version, 3.9.1 or newer. Default {@link DEFAULT_KAFKA_VERSION}. Ignored for source `environment`. */
  readonly version?: string;
  /** Number of brokers; with 3, topics get replication factor 3 and `min.insync.replicas` 2. Default 1. */
  readonly brokers?: 1 | 3;
  /** Takes one sentence for each thing that is done. Default: dropped. */
  readonly log?: (line: string) => void;
  /** Broker settings that replace the defaults of `server-properties.ts`. */
  readonly serverProperties?: Readonly<Record<string, string>>;
  /**
   * Listeners for clients beside the plain one, by a name in capitals; each gets a free port. Keys and logins come with
   * `serverProperties`, as `listener.name.<name in small letters>.…`. Source `local` only, which must be named.
   */
  readonly listeners?: Readonly<Record<string, SecurityProtocol>>;
  /** Allows one source only, instead of the first that works. */
  readonly source?: KafkaSource;
  /** Folder for data and logs, kept by `stop()` and used again. Default: a temporary folder. Source `local` only. */
  readonly dataDir?: string;
  /** Client port of the first broker; further brokers count up from it. Default: free ports. */
  readonly port?: number;
  /** Heap of each broker in MiB. Default 512. Source `local` only. */
  readonly heapMiB?: number;
  /** The brokers outlive this process, also its death. Default false. Source `local` only. */
  readonly detached?: boolean;
}

/** {@link ObtainKafkaOptions} with the defaults filled in. */
export interface KafkaRequest extends ObtainKafkaOptions {
  readonly version: string;
  readonly brokers: 1 | 3;
  readonly log: (line: string) => void;
  readonly serverProperties: Readonly<Record<string, string>>;
  readonly listeners: Readonly<Record<string, SecurityProtocol>>;
  readonly heapMiB: number;
  readonly detached: boolean;
}

/** The version that is started when none is asked for. */
export const DEFAULT_KAFKA_VERSION = '4.4.0';
