import type { Platform } from '../../../util/ports';
import type { KafkaPort } from '../../port';

/** A cluster that the suite holds against what is expected of {@link KafkaPort}. Node ids are 1, 2, 3. */
export interface ConformanceCluster {
  /** Such as `Apache Kafka 4.4.0, 3 brokers`. */
  readonly label: string;
  readonly brokers: number;
  /** What the cluster offers: Kafka 4.x 2, Kafka 3.9 1. */
  readonly transactionVersion: 1 | 2;
  /** Real time, or the virtual time of a model: all waiting in the suite goes through it. */
  readonly platform: Platform;
  /** A new client; the suite closes it. */
  connect(): KafkaPort;
  /** SIGKILL. */
  killBroker(nodeId: number): Promise<void>;
  /** On the data that it had. Resolves when it answers. */
  startBroker(nodeId: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a cluster without topics and groups. What it must be set to, so that nothing takes long:
 * transactions beyond their time-out are ended within a second (`transaction.abort.timed.out.transaction.cleanup.interval.ms`),
 * sessions of one second are allowed, a first rebalance waits for nobody, the log cleaner looks every few hundred
 * milliseconds, and with three brokers topics have three replicas of which two must be in sync.
 */
export type ConformanceFactory = (options: { brokers: 1 | 3 }) => Promise<ConformanceCluster>;
