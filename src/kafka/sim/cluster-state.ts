import type { Cancel } from '../../util/ports';
import { must } from '../../util/asserts';
import { Partition, type PartitionHost } from './partition';
import type { SimPlatform } from './sim-platform';
import { TopicConfig, topicDefaultsOf } from './topic-config';
import type { TransactionVersion } from '../port';

export const OFFSETS_TOPIC = '__consumer_offsets';
export const TRANSACTIONS_TOPIC = '__transaction_state';

export interface SimNode {
  readonly id: number;
  alive: boolean;
  /** Raised with every death: what an earlier life was about to do does not happen. */
  incarnation: number;
  /** The controller counts on it. A killed one stays registered until its session has run out. */
  registered: boolean;
}

export interface SimTopic {
  readonly name: string;
  readonly id: string;
  readonly internal: boolean;
  readonly config: TopicConfig;
  readonly own: Readonly<Record<string, string>>;
  readonly partitions: readonly Partition[];
  /** Brokers hear of a new topic a little after the controller. */
  readonly knownFrom: number;
}

export interface ClusterOptions {
  readonly platform: SimPlatform;
  readonly brokers: number;
  /** What the cluster offers: 2 is Kafka 4.x, 1 is Kafka 3.9. */
  readonly transactionVersion: TransactionVersion;
  readonly brokerConfig: Readonly<Record<string, string>>;
}

/** Kafka's own values, where they matter to clients; see docs/internals/sim-kafka.md. */
const BROKER_DEFAULTS: Readonly<Record<string, string>> = {
  'auto.create.topics.enable': 'false',
  'broker.session.timeout.ms': '6000',
  'group.initial.rebalance.delay.ms': '0',
  'group.max.session.timeout.ms': '1800000',
  'group.min.session.timeout.ms': '1000',
  'log.message.timestamp.type': 'CreateTime',
  'message.max.bytes': '1048588',
  'num.partitions': '1',
  'offsets.topic.num.partitions': '4',
  'producer.id.expiration.ms': '86400000',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '10000',
  'transaction.max.timeout.ms': '900000',
  'transaction.partition.verification.enable': 'true',
  'transaction.state.log.num.partitions': '4',
  'transactional.id.expiration.ms': '604800000',
  'unclean.leader.election.enable': 'false',
};

/** Brokers and topics, and who leads what: what KRaft's controller knows. */
export class ClusterState implements PartitionHost {
  readonly platform: SimPlatform;
  readonly nodes = new Map<number, SimNode>();
  readonly topics = new Map<string, SimTopic>();
  readonly config: ReadonlyMap<string, string>;
  readonly transactionVersion: TransactionVersion;
  readonly clusterId: string;
  private readonly topicDefaults: Readonly<Record<string, string>>;

  constructor({ platform, brokers, transactionVersion, brokerConfig }: ClusterOptions) {
    this.platform = platform;
    this.transactionVersion = transactionVersion;
    const replicas = String(Math.min(3, brokers));
    const inSync = String(brokers > 1 ? 2 : 1);
    const replication = {
      'default.replication.factor': replicas,
      'min.insync.replicas': inSync,
      'offsets.topic.replication.factor': replicas,
      'transaction.state.log.replication.factor': replicas,
      'transaction.state.log.min.isr': inSync,
    };
    const all = { ...BROKER_DEFAULTS, ...replication, ...brokerConfig };
    this.config = new Map(Object.entries(all));
    this.topicDefaults = topicDefaultsOf(all);
    this.clusterId = this.uuid();
    for (let id = 1; id <= brokers; id++) {
      this.nodes.set(id, { id, alive: true, incarnation: 0, registered: true });
    }
    this.addInternal(OFFSETS_TOPIC, 'offsets.topic');
    this.addInternal(TRANSACTIONS_TOPIC, 'transaction.state.log');
  }

  setting(name: string): number {
    return Number(must(this.config.get(name), `broker setting ${name}`));
  }

  node(id: number): SimNode {
    return must(this.nodes.get(id), `node ${id}`);
  }

  /** Some milliseconds of one server asking another. */
  hop(): Promise<void> {
    return this.platform.wait(this.platform.random.between(0.05, 0.8));
  }

  now(): number {
    return this.platform.clock.now();
  }

  isAlive(nodeId: number): boolean {
    return this.nodes.get(nodeId)?.alive === true;
  }

  replicateLater(copy: () => void): void {
    this.platform.after(this.platform.random.between(0.3, 3), copy);
  }

  pick(count: number): number {
    return this.platform.random.below(count);
  }

  after(ms: number): (fn: () => void) => Cancel {
    return (fn) => this.platform.after(ms, fn);
  }

  /** As any broker sees it: a new topic is not there at once. */
  topic(name: string): SimTopic | undefined {
    const topic = this.topics.get(name);
    return topic !== undefined && topic.knownFrom <= this.platform.clock.monotonic() ? topic : undefined;
  }

  partition(topic: string, partition: number): Partition | undefined {
    return this.topic(topic)?.partitions[partition];
  }

  aliveNodes(): SimNode[] {
    return [...this.nodes.values()].filter(({ alive, registered }) => alive && registered);
  }

  /** The active controller; -1 while nobody is up. */
  controller(): number {
    return this.aliveNodes()[0]?.id ?? -1;
  }

  addTopic(
    name: string,
    partitions: number,
    replicationFactor: number,
    own: Readonly<Record<string, string>>,
  ): void {
    const config = new TopicConfig(own, this.topicDefaults);
    this.add(name, partitions, replicationFactor, own, config, this.platform.random.between(0, 3));
  }

  allPartitions(): Partition[] {
    return [...this.topics.values()].flatMap(({ partitions }) => partitions);
  }

  uuid(): string {
    return Buffer.from(this.platform.random.id(), 'hex').toString('base64url');
  }

  private addInternal(name: string, prefix: string): void {
    const own = { 'cleanup.policy': 'compact' };
    const replicas = this.setting(`${prefix}.replication.factor`);
    const config = new TopicConfig(own, this.topicDefaults);
    this.add(name, this.setting(`${prefix}.num.partitions`), replicas, own, config, null);
  }

  /** @param knownIn null: an internal topic, which has always been there */
  private add(
    name: string,
    partitions: number,
    replicationFactor: number,
    own: Readonly<Record<string, string>>,
    config: TopicConfig,
    knownIn: number | null,
  ): void {
    const ids = [...this.nodes.keys()];
    const first = this.pick(ids.length);
    const made = Array.from({ length: partitions }, (_, partition) => {
      const replicas = Array.from(
        { length: replicationFactor },
        (__, i) => ids[(first + partition + i) % ids.length]!,
      );
      return new Partition({ topic: name, partition }, replicas, config, this);
    });
    this.topics.set(name, {
      ...{ name, own, config, partitions: made },
      id: this.uuid(),
      internal: knownIn === null,
      knownFrom: this.platform.clock.monotonic() + (knownIn ?? 0),
    });
  }
}
