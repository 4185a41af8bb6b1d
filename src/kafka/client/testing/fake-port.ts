import { must } from '../../../util/asserts';
import type { Platform } from '../../../util/ports';
import {
  EARLIEST,
  KafkaRequestError,
  type ClusterMetadata,
  type FetchedPartition,
  type FetchPartition,
  type FetchRequest,
  type FetchResponse,
  type Isolation,
  type KafkaPort,
  type NewTopic,
  type OffsetAnswer,
  type OffsetQuery,
  type TopicMetadata,
  type TopicResult,
} from '../../port';
import { testBatch, type TestBatch } from './test-batches';

export class FakePartition {
  leader = 1;
  leaderEpoch = 0;
  logStart = 0;
  highWatermark = 0;
  lastStableOffset = 0;
  aborted: { producerId: bigint; firstOffset: bigint }[] = [];
  readonly batches: { readonly base: number; readonly end: number; readonly bytes: Buffer }[] = [];

  /** Appends and moves both watermarks; `open`: the last stable offset stays. */
  append(batch: Omit<TestBatch, 'baseOffset'>, { open = false } = {}): void {
    const base = this.highWatermark;
    const bytes = testBatch({ ...batch, baseOffset: base });
    const end = base + bytes.readInt32BE(23) + 1;
    this.batches.push({ base, end, bytes });
    this.highWatermark = end;
    if (!open) this.lastStableOffset = end;
  }

  end(isolation: Isolation): number {
    return isolation === 'read_committed' ? this.lastStableOffset : this.highWatermark;
  }
}

type Handler = (...args: never[]) => unknown;
type Api = keyof KafkaPort;

/**
 * Topics in memory behind the real interface. Every call is recorded; {@link script} replaces the next answers of one
 * API, one by one. Group and producer calls have scripted answers only.
 */
export class FakeKafkaPort {
  readonly calls: { readonly api: Api; readonly args: readonly unknown[] }[] = [];
  readonly topics = new Map<string, FakePartition[]>();
  readonly port: KafkaPort;
  brokers = [1];
  private readonly platform: Platform;
  private readonly scripts = new Map<Api, Handler[]>();
  private readonly fetchWaiters = new Set<() => void>();

  constructor(platform: Platform) {
    this.platform = platform;
    const defaults = this.defaults();
    this.port = new Proxy({} as KafkaPort, {
      get: (_, api: Api) => this.method(api, defaults[api]),
    });
  }

  /** The next calls of `api` are answered by these, in order; a handler that throws rejects. */
  script<K extends Api>(api: K, ...handlers: ((...args: Parameters<KafkaPort[K]>) => unknown)[]): void {
    this.scripts.set(api, [...(this.scripts.get(api) ?? []), ...(handlers as unknown as Handler[])]);
  }

  callsOf<K extends Api>(api: K): Parameters<KafkaPort[K]>[] {
    return this.calls.filter((call) => call.api === api).map((call) => call.args as Parameters<KafkaPort[K]>);
  }

  topic(topic: string, partitions = 1): FakePartition[] {
    const created = Array.from({ length: partitions }, () => new FakePartition());
    this.topics.set(topic, created);
    return created;
  }

  /** Ends long polls that wait for data. */
  wakeFetches(): void {
    for (const wake of [...this.fetchWaiters]) wake();
  }

  private method(api: Api, fallback: Handler | undefined): Handler {
    return (...args: never[]) => {
      this.calls.push({ api, args });
      const handler = must(this.scripts.get(api)?.shift() ?? fallback, `answer of ${api}`);
      return new Promise((resolve) => resolve(handler(...args)));
    };
  }

  private defaults(): Partial<KafkaPort> {
    return {
      transactionVersion: () => Promise.resolve(1),
      metadata: (topics) => Promise.resolve(this.metadata(topics ?? [...this.topics.keys()])),
      createTopics: (topics) => Promise.resolve(topics.map((topic) => this.create(topic))),
      deleteTopics: (topics) => Promise.resolve(topics.map((topic) => this.delete(topic))),
      listOffsets: (nodeId, isolation, queries) =>
        Promise.resolve(queries.map((query) => this.offset(nodeId, isolation, query))),
      fetch: (nodeId, request) => this.fetch(nodeId, request),
    };
  }

  private delete(topic: string): TopicResult {
    return { topic, errorCode: this.topics.delete(topic) ? 0 : 3, errorMessage: null };
  }

  private metadata(topics: readonly string[]): ClusterMetadata {
    const brokers = this.brokers.map((nodeId) => ({ nodeId, host: 'localhost', port: 9092 }));
    return {
      clusterId: 'fake',
      controllerId: 1,
      brokers,
      topics: topics.map((topic) => this.describe(topic)),
    };
  }

  private describe(topic: string): TopicMetadata {
    const partitions = (this.topics.get(topic) ?? []).map(({ leader, leaderEpoch }, partition) => ({
      partition,
      errorCode: leader < 0 ? 5 : 0,
      leader,
      leaderEpoch,
      replicas: [1],
      isr: [1],
    }));
    const known = this.topics.has(topic);
    return {
      topic,
      topicId: known ? `id-${topic}` : '',
      errorCode: known ? 0 : 3,
      isInternal: false,
      partitions,
    };
  }

  private create({ topic, partitions }: NewTopic): TopicResult {
    if (this.topics.has(topic)) return { topic, errorCode: 36, errorMessage: 'exists' };
    this.topic(topic, partitions);
    return { topic, errorCode: 0, errorMessage: null };
  }

  private offset(nodeId: number, isolation: Isolation, query: OffsetQuery): OffsetAnswer {
    const { topic, partition, timestamp } = query;
    const log = this.topics.get(topic)?.[partition];
    const errorCode = log === undefined ? 3 : log.leader === nodeId ? 0 : 6;
    const offset = log === undefined ? -1 : timestamp === EARLIEST ? log.logStart : log.end(isolation);
    return { topic, partition, errorCode, offset: BigInt(offset), timestamp: -1n, leaderEpoch: 0 };
  }

  private async fetch(nodeId: number, request: FetchRequest): Promise<FetchResponse> {
    const answer = this.readAll(nodeId, request);
    if (answer.partitions.some(({ records, errorCode }) => records !== null || errorCode !== 0))
      return answer;
    await new Promise<void>((resolve) => {
      const done = () => {
        cancel();
        this.fetchWaiters.delete(done);
        resolve();
      };
      const cancel = this.platform.scheduler.after(request.maxWaitMs, done);
      this.fetchWaiters.add(done);
    });
    return this.readAll(nodeId, request);
  }

  private readAll(nodeId: number, request: FetchRequest): FetchResponse {
    let left = request.maxBytes;
    const partitions = request.partitions.map((asked) => {
      const part = this.read(nodeId, request.isolation, asked, left);
      left -= part.records?.length ?? 0;
      return part;
    });
    return { throttleMs: 0, errorCode: 0, partitions };
  }

  private read(nodeId: number, isolation: Isolation, asked: FetchPartition, left: number): FetchedPartition {
    const { topic, partition } = asked;
    const log = this.topics.get(topic)?.[partition];
    if (log === undefined) return refusal(asked, 3);
    if (log.leader !== nodeId) return refusal(asked, 6);
    if (asked.currentLeaderEpoch !== log.leaderEpoch) {
      return refusal(asked, asked.currentLeaderEpoch < log.leaderEpoch ? 74 : 75);
    }
    const offset = Number(asked.fetchOffset);
    if (offset < log.logStart || offset > log.highWatermark) return refusal(asked, 1);
    const readable = log.batches.filter(({ base, end }) => end > offset && base < log.end(isolation));
    const bytes = Buffer.concat(readable.map((batch) => batch.bytes)).subarray(
      0,
      Math.max(0, Math.min(asked.maxBytes, left)),
    );
    return {
      topic,
      partition,
      errorCode: 0,
      highWatermark: BigInt(log.highWatermark),
      lastStableOffset: BigInt(log.lastStableOffset),
      logStartOffset: BigInt(log.logStart),
      abortedTransactions: isolation === 'read_committed' ? log.aborted : null,
      records: bytes.length === 0 ? null : bytes,
    };
  }
}

function refusal({ topic, partition }: FetchPartition, errorCode: number): FetchedPartition {
  return {
    topic,
    partition,
    errorCode,
    highWatermark: -1n,
    lastStableOffset: -1n,
    logStartOffset: -1n,
    abortedTransactions: null,
    records: null,
  };
}

export function connectionLost(api: string): never {
  throw new KafkaRequestError(api, 'connection lost', false);
}
