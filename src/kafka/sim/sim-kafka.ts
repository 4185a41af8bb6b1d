import { must } from '../../util/asserts';
import type { KafkaPort, TransactionVersion } from '../port';
import { BrokerLife } from './broker-life';
import { ClusterState } from './cluster-state';
import { compact, enforceRetention } from './compaction';
import { randomFaults, type FaultHook, type FaultRates } from './faults';
import { SimPlatform } from './sim-platform';
import { SimPort } from './sim-port';
import type { SimProcess } from './sim-process';
import { SimRouter } from './sim-router';
import { SimServer } from './sim-server';

export interface SimKafkaOptions {
  /** Decides every delay, interleaving and fault. Default 1. Ignored when a platform is given. */
  readonly seed?: number;
  /** Default 1; node ids are 1, 2, … */
  readonly brokers?: number;
  /** Time and chance that the cluster shares with others. Default: its own, which advances by itself. */
  readonly platform?: SimPlatform;
  /** 2 (default): as Kafka 4.x; 1: as Kafka 3.9. */
  readonly transactionVersion?: TransactionVersion;
  /** How often the log cleaner and retention look at all topics. Default: only when {@link SimKafka.compact} says so. */
  readonly housekeepingMs?: number;
  /** Broker settings, such as `group.min.session.timeout.ms`. */
  readonly brokerConfig?: Readonly<Record<string, string>>;
}

export interface SimConnectOptions {
  readonly clientId?: string;
  /** The process that the client lives in; default one of its own that is never stopped. */
  readonly process?: SimProcess;
  /** Default 30 s, as `kafka.request-timeout`. */
  readonly requestTimeoutMs?: number;
}

/**
 * A Kafka cluster in memory, in virtual time: a faithful model of what brokers do, the bad things included (see
 * docs/internals/sim-kafka.md). One seed reproduces one run exactly.
 */
export class SimKafka {
  readonly platform: SimPlatform;
  readonly brokers: number;
  readonly transactionVersion: TransactionVersion;
  private readonly state: ClusterState;
  private readonly server: SimServer;
  private readonly life: BrokerLife;
  private readonly ownsPlatform: boolean;
  private closed = false;

  constructor(options: SimKafkaOptions = {}) {
    this.ownsPlatform = options.platform === undefined;
    this.platform = options.platform ?? new SimPlatform({ seed: options.seed ?? 1 });
    this.brokers = options.brokers ?? 1;
    this.transactionVersion = options.transactionVersion ?? 2;
    this.state = new ClusterState({
      platform: this.platform,
      brokers: this.brokers,
      transactionVersion: this.transactionVersion,
      brokerConfig: options.brokerConfig ?? {},
    });
    this.server = new SimServer(this.state);
    this.life = new BrokerLife(this.state, (nodeId) => this.nodeDown(nodeId));
    if (options.housekeepingMs !== undefined) this.keepHouse(options.housekeepingMs);
  }

  /** A new client. */
  connect(options: SimConnectOptions = {}): KafkaPort {
    const { clientId = 'client', requestTimeoutMs } = options;
    const process = options.process ?? this.platform.process(clientId);
    const router = new SimRouter(this.server, process, clientId, requestTimeoutMs ?? 30_000);
    return new SimPort(router, this.server, clientId, requestTimeoutMs);
  }

  /** A process that can be stopped, killed and restarted, for clients to live in. */
  process(name: string): SimProcess {
    return this.platform.process(name);
  }

  /** What goes wrong from now on; null: nothing more. */
  setFaults(faults: FaultHook | null): void {
    this.server.faults = faults;
  }

  /** Faults by chance, on every request, in place of a hook. */
  setFaultRates(rates: FaultRates): void {
    const { leaderMove = 0, brokerRestart = 0 } = rates;
    const { random } = this.platform;
    const faults = randomFaults(random, rates);
    this.server.faults = (call) => {
      if (random.chance(leaderMove)) this.moveAnyLeader();
      if (random.chance(brokerRestart)) void this.restartAnyBroker();
      return faults(call);
    };
  }

  /** On top of what a marker takes anyway, between EndTxn's answer and its arrival. */
  delayMarkers(ms: number): void {
    this.server.markers.extraDelayMs = ms;
  }

  /** SIGKILL. The controller notices when its session has run out (`broker.session.timeout.ms`). */
  killBroker(nodeId: number): void {
    this.life.kill(nodeId);
  }

  /** SIGTERM: leaders and coordinators move before it goes. */
  stopBroker(nodeId: number): void {
    this.life.stop(nodeId);
  }

  /** On the data that it had. Resolves when it answers. */
  startBroker(nodeId: number): Promise<void> {
    return this.life.start(nodeId);
  }

  /** Default: another in-sync replica, by chance. @returns false when that one is not in sync */
  moveLeader(topic: string, partition: number, to?: number): boolean {
    const moving = must(this.state.topics.get(topic)?.partitions[partition], `${topic}-${partition}`);
    const others = moving.isr.filter((id) => id !== moving.leader && this.state.isAlive(id));
    const target = to ?? others[this.state.pick(Math.max(1, others.length))];
    return target !== undefined && this.life.moveLeader(moving, target);
  }

  /** The coordinator of a group or a transactional id becomes another broker; with one broker, it loads anew. */
  moveCoordinator(type: 'group' | 'transaction', key: string): boolean {
    const home = type === 'group' ? this.server.groups.home : this.server.transactions.home;
    const { topic, partition, leader } = home.partitionOf(key);
    return this.moveLeader(topic, partition) || this.moveLeader(topic, partition, leader);
  }

  /** Where requests of this group or transactional id go; -1: nowhere at present. */
  coordinatorOf(type: 'group' | 'transaction', key: string): number {
    const home = type === 'group' ? this.server.groups.home : this.server.transactions.home;
    return home.find(key) ?? -1;
  }

  leaderOf(topic: string, partition: number): number {
    return this.state.topics.get(topic)?.partitions[partition]?.leader ?? -1;
  }

  /** Begins a new segment: only what is behind the active one can be compacted or deleted. */
  rollSegment(topic: string, partition: number): void {
    must(this.state.topics.get(topic)?.partitions[partition], `${topic}-${partition}`).log.roll();
  }

  /** A round of the log cleaner over a topic, or over all. */
  compact(topic?: string): void {
    for (const partition of this.partitionsOf(topic)) compact(partition, this.state.now());
  }

  /** What `retention.ms` and `retention.bytes` say, now. */
  enforceRetention(topic?: string): void {
    for (const partition of this.partitionsOf(topic)) enforceRetention(partition, this.state.now());
  }

  /** Nothing goes on behind it; on a platform that was given, others do. */
  close(): Promise<void> {
    this.closed = true;
    for (const network of this.server.networks) network.close();
    if (this.ownsPlatform) this.platform.stop();
    return Promise.resolve();
  }

  private moveAnyLeader(): void {
    const partitions = this.state.allPartitions();
    const { topic, partition } = partitions[this.state.pick(partitions.length)]!;
    this.moveLeader(topic, partition);
  }

  private async restartAnyBroker(): Promise<void> {
    if (this.state.aliveNodes().length < this.brokers) return;
    const nodeId = 1 + this.state.pick(this.brokers);
    if (this.platform.random.chance(0.5)) this.killBroker(nodeId);
    else this.stopBroker(nodeId);
    await this.startBroker(nodeId);
  }

  private keepHouse(everyMs: number): void {
    this.platform.after(everyMs, () => {
      if (this.closed) return;
      this.compact();
      this.enforceRetention();
      this.keepHouse(everyMs);
    });
  }

  private partitionsOf(topic: string | undefined) {
    if (topic === undefined) return this.state.allPartitions();
    return must(this.state.topics.get(topic), topic).partitions;
  }

  private nodeDown(nodeId: number): void {
    for (const network of this.server.networks) network.nodeDown(nodeId);
  }
}

export function createSimKafka(options: SimKafkaOptions = {}): SimKafka {
  return new SimKafka(options);
}
