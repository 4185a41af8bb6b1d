import type { Platform } from '../../../util/ports';
import type { ClientContext } from '../../client/client-context';
import { MetadataCache } from '../../client/metadata-cache';
import type { KafkaPort, NewTopic, ProducerIdentity, TransactionVersion } from '../../port';
import { ensureTopics } from '../../client/topic-admin';
import type { ConformanceCluster, ConformanceFactory } from './cluster';
import { isLoading, nameOf, wasNotSent } from './errors';
import { TestMember } from './member';
import { TestProducer } from './producer';
import { TestTopic } from './topic';

const DEFAULT_LIMIT_MS = 30_000;
const PAUSE_MS = 10;
const DEFAULT_TRANSACTION_TIMEOUT_MS = 60_000;

export interface ProducerOptions {
  readonly transactionalId?: string;
  readonly timeoutMs?: number;
  /** Default 1. */
  readonly version?: TransactionVersion;
  /** Default null: whoever it was, fence him. */
  readonly current?: ProducerIdentity | null;
}

/** What the cases of one run have in common: a cluster, two clients, and names that nobody else uses. */
export class Bench {
  readonly brokers: 1 | 3;
  readonly transactionVersion: TransactionVersion;
  readonly #factory: ConformanceFactory;
  #cluster: ConformanceCluster | null = null;
  #client: ClientContext | null = null;
  #late: KafkaPort | null = null;
  readonly #others: KafkaPort[] = [];
  #names = 0;

  constructor(factory: ConformanceFactory, brokers: 1 | 3, transactionVersion: TransactionVersion) {
    this.#factory = factory;
    this.brokers = brokers;
    this.transactionVersion = transactionVersion;
  }

  async open(): Promise<void> {
    const cluster = await this.#factory({ brokers: this.brokers });
    this.#cluster = cluster;
    const port = cluster.connect();
    this.#client = { port, platform: cluster.platform, metadata: new MetadataCache(port, cluster.platform) };
    this.#late = cluster.connect();
  }

  async close(): Promise<void> {
    this.#client?.metadata.close();
    for (const port of [this.#client?.port, this.#late, ...this.#others]) await port?.close();
    await this.#cluster?.close();
  }

  get cluster(): ConformanceCluster {
    return opened(this.#cluster);
  }

  get platform(): Platform {
    return this.cluster.platform;
  }

  /** The first client, with what the reading classes need. */
  get client(): ClientContext {
    return opened(this.#client);
  }

  get port(): KafkaPort {
    return this.client.port;
  }

  /** A second client: what it sends with an identity of the first stands for a request that was long on its way. */
  get late(): KafkaPort {
    return opened(this.#late);
  }

  /** A further client, closed with the bench. */
  connect(): KafkaPort {
    const port = this.cluster.connect();
    this.#others.push(port);
    return port;
  }

  /** A name that was not used before in this cluster. */
  name(kind: string): string {
    return `${kind}-${++this.#names}-${this.platform.random.id().slice(0, 8)}`;
  }

  /** Wall-clock time: for timestamps of records. */
  now(): number {
    return this.platform.clock.now();
  }

  sleep(ms: number): Promise<void> {
    return this.platform.scheduler.sleep(ms);
  }

  /** Asks until there is an answer. @throws Error that names `what` after `limitMs` */
  async eventually<T>(
    what: string,
    ask: () => Promise<T | undefined> | T | undefined,
    limitMs = DEFAULT_LIMIT_MS,
  ): Promise<T> {
    const { clock } = this.platform;
    for (const deadline = clock.monotonic() + limitMs; ;) {
      const answer = await ask();
      if (answer !== undefined) return answer;
      if (clock.monotonic() > deadline) throw new Error(`waited ${limitMs} ms in vain for ${what}`);
      await this.sleep(PAUSE_MS);
    }
  }

  /** Repeats a request that nobody took or that a coordinator answered which is still coming up. */
  settled<T extends { readonly errorCode: number }>(
    ask: () => Promise<T>,
    busy: readonly string[] = [],
  ): Promise<T> {
    return this.eventually('a coordinator that has loaded', async () => {
      try {
        const answer = await ask();
        const name = nameOf(answer);
        return isLoading(name) || busy.includes(name) ? undefined : answer;
      } catch (error) {
        if (wasNotSent(error)) return undefined;
        throw error;
      }
    });
  }

  /** Creates a topic and waits until each of its partitions has a leader that knows of it. */
  async topic(partitions = 1, configs: NewTopic['configs'] = {}): Promise<TestTopic> {
    const name = this.name('topic');
    await ensureTopics(this.port, this.platform, [
      { topic: name, partitions, replicationFactor: this.brokers, configs },
    ]);
    const topic = new TestTopic(this, name);
    for (let partition = 0; partition < partitions; partition++) {
      await this.eventually(`the leader of ${name}-${partition}`, () => topic.isReady(partition));
    }
    return topic;
  }

  /** A transactional producer that has its identity. */
  async producer(options: ProducerOptions = {}): Promise<TestProducer> {
    const transactionalId = options.transactionalId ?? this.name('txn');
    const request = {
      transactionalId,
      transactionTimeoutMs: options.timeoutMs ?? DEFAULT_TRANSACTION_TIMEOUT_MS,
      current: options.current ?? null,
    };
    const answer = await this.settled(() => this.port.initProducerId(request), ['CONCURRENT_TRANSACTIONS']);
    if (answer.errorCode !== 0) throw new Error(`InitProducerId of ${transactionalId}: ${nameOf(answer)}`);
    const { producerId, producerEpoch } = answer;
    return new TestProducer(this, {
      ...{ transactionalId, producerId, producerEpoch },
      transactionVersion: options.version ?? 1,
    });
  }

  /** A group member that has not joined yet. */
  member(groupId: string, groupInstanceId: string | null = null, port = this.port): TestMember {
    return new TestMember(this, port, groupId, groupInstanceId);
  }
}

function opened<T>(value: T | null): T {
  if (value === null) throw new Error('the bench is not open');
  return value;
}
