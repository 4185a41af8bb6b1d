import { TidemarkError } from '../../errors';
import { must } from '../../util/asserts';
import type { Platform } from '../../util/ports';
import {
  tpKey,
  type ClusterMetadata,
  type KafkaPort,
  type PartitionMetadata,
  type TopicMetadata,
} from '../port';
import { KafkaError } from '../protocol/errors';
import { backoffMs, retryUntil, type Attempt } from './backoff';
import { brokerError, connectionError, reactionTo, refusalIn } from './broker-errors';
import { Pulse } from './pulse';

export interface Leader {
  readonly nodeId: number;
  readonly leaderEpoch: number;
}

export interface MetadataOptions {
  /** How long brokers may be away, or a partition without a leader, before a call fails. Default 60,000 ms. */
  readonly deadlineMs?: number;
  /** How long a topic may be unknown before a call fails: it may just have been created. Default 10,000 ms. */
  readonly missingTopicDeadlineMs?: number;
}

/** A topic that somebody waits for. */
interface Wanted {
  readonly topic: string;
  readonly since: number;
  readonly promise: Promise<TopicMetadata>;
  readonly resolve: (metadata: TopicMetadata) => void;
  readonly reject: (error: unknown) => void;
  attempts: number;
  /** Since when brokers answer that there is no such topic; null when they do not answer, or otherwise. */
  missingSince: number | null;
  notBefore: number;
}

/**
 * Who leads which partition. One request at a time asks for all topics that are wanted, however many callers wait
 * for them; a topic that fails waits for its own back-off and holds up no other.
 */
export class MetadataCache {
  private readonly port: KafkaPort;
  private readonly platform: Platform;
  private readonly deadlineMs: number;
  private readonly missingTopicDeadlineMs: number;
  private readonly topics = new Map<string, TopicMetadata>();
  private readonly stale = new Set<string>();
  private readonly wanted = new Map<string, Wanted>();
  private readonly pulse: Pulse;
  private running = false;
  private closed = false;
  private cluster: string | null = null;

  constructor(port: KafkaPort, platform: Platform, options: MetadataOptions = {}) {
    this.port = port;
    this.platform = platform;
    this.deadlineMs = options.deadlineMs ?? 60_000;
    this.missingTopicDeadlineMs = options.missingTopicDeadlineMs ?? 10_000;
    this.pulse = new Pulse(platform.scheduler);
  }

  /**
   * The leader, from the cache unless the topic was invalidated.
   * @throws {TidemarkError} TM2001 no leader or no broker within the deadline, TM2003 topic missing, TM2004 no such
   * partition, TM2008 not authorised
   */
  async leaderOf(topic: string, partition: number): Promise<Leader> {
    return retryUntil({ platform: this.platform, deadlineMs: this.deadlineMs }, async () => {
      const metadata = await this.topic(topic);
      const found = metadata.partitions.find((p) => p.partition === partition);
      if (found !== undefined && found.leader >= 0) {
        return { done: { nodeId: found.leader, leaderEpoch: found.leaderEpoch } };
      }
      this.invalidate(topic);
      return { again: leaderless(topic, partition, metadata.partitions.length) };
    });
  }

  /** Asks the brokers anew about these topics; a request that is already under way for one serves it too. */
  async refresh(topics: readonly string[]): Promise<void> {
    await Promise.all(topics.map((topic) => this.ask(topic)));
  }

  /** The next question about this topic goes to the brokers. */
  invalidate(topic: string): void {
    this.stale.add(topic);
  }

  async partitionCount(topic: string): Promise<number> {
    return (await this.topic(topic)).partitions.length;
  }

  /** UUID as Kafka prints it: changes when a topic is deleted and created again. */
  async topicId(topic: string): Promise<string> {
    return (await this.topic(topic)).topicId;
  }

  async clusterId(): Promise<string> {
    if (this.cluster === null) {
      await retryUntil({ platform: this.platform, deadlineMs: this.deadlineMs }, () => this.askCluster());
    }
    return must(this.cluster, 'cluster id');
  }

  /** Fails all who wait. Idempotent. */
  close(): void {
    this.closed = true;
    for (const entry of [...this.wanted.values()]) this.fail(entry, closedError(entry.topic));
    this.pulse.wake();
  }

  private async topic(topic: string): Promise<TopicMetadata> {
    const cached = this.topics.get(topic);
    return cached === undefined || this.stale.has(topic) ? this.ask(topic) : cached;
  }

  private ask(topic: string): Promise<TopicMetadata> {
    if (this.closed) return Promise.reject(closedError(topic));
    const known = this.wanted.get(topic);
    if (known !== undefined) return known.promise;
    const entry = newWanted(topic, this.platform.clock.monotonic());
    this.wanted.set(topic, entry);
    if (this.running) this.pulse.wake();
    else void this.serve();
    return entry.promise;
  }

  /** Runs while anything is wanted. */
  private async serve(): Promise<void> {
    this.running = true;
    // A microtask later everything that was asked for in the same turn goes into the first request.
    await Promise.resolve();
    while (this.wanted.size > 0) {
      const now = this.platform.clock.monotonic();
      const due = [...this.wanted.values()].filter((entry) => entry.notBefore <= now);
      if (due.length > 0) await this.request(due);
      else await this.pulse.wait(Math.max(1, this.earliest() - now));
    }
    this.running = false;
  }

  private earliest(): number {
    return Math.min(...[...this.wanted.values()].map((entry) => entry.notBefore));
  }

  private async request(due: readonly Wanted[]): Promise<void> {
    try {
      const answer = await this.port.metadata(due.map((entry) => entry.topic));
      this.cluster = answer.clusterId;
      for (const entry of due) this.settle(entry, answer);
    } catch (error) {
      for (const entry of due) this.unreachable(entry, error);
    }
  }

  private settle(entry: Wanted, answer: ClusterMetadata): void {
    const metadata = answer.topics.find((topic) => topic.topic === entry.topic);
    const errorCode = metadata?.errorCode ?? KafkaError.UNKNOWN_TOPIC_OR_PARTITION;
    if (metadata !== undefined && errorCode === KafkaError.NONE) return this.store(entry, metadata);
    const error = brokerError('Metadata', errorCode, `topic ${entry.topic}`);
    if (reactionTo(errorCode) !== 'retry') return this.fail(entry, error);
    if (errorCode === KafkaError.UNKNOWN_TOPIC_OR_PARTITION) return this.missing(entry);
    entry.missingSince = null;
    this.again(entry, entry.since + this.deadlineMs, error);
  }

  private missing(entry: Wanted): void {
    this.topics.delete(entry.topic);
    entry.missingSince ??= this.platform.clock.monotonic();
    this.again(entry, entry.missingSince + this.missingTopicDeadlineMs, missingTopic(entry.topic));
  }

  private unreachable(entry: Wanted, cause: unknown): void {
    // Who asks must hear why at once: it does not pass like a broker that is away.
    const refusal = refusalIn(cause);
    if (refusal !== null) return this.fail(entry, refusal);
    let error: unknown;
    try {
      error = connectionError(cause, `metadata of topic ${entry.topic}`);
    } catch (unexpected) {
      return this.fail(entry, unexpected);
    }
    entry.missingSince = null;
    this.again(entry, entry.since + this.deadlineMs, error);
  }

  private again(entry: Wanted, deadline: number, error: unknown): void {
    const now = this.platform.clock.monotonic();
    entry.notBefore = now + backoffMs(entry.attempts++, this.platform.random);
    if (entry.notBefore > deadline) this.fail(entry, error);
  }

  private store(entry: Wanted, fresh: TopicMetadata): void {
    if (!this.wanted.delete(entry.topic)) return;
    const merged = newestLeaders(this.topics.get(entry.topic), fresh);
    this.topics.set(entry.topic, merged);
    this.stale.delete(entry.topic);
    entry.resolve(merged);
  }

  private fail(entry: Wanted, error: unknown): void {
    if (this.wanted.delete(entry.topic)) entry.reject(error);
  }

  private async askCluster(): Promise<Attempt<true>> {
    try {
      this.cluster = (await this.port.metadata([])).clusterId;
      return { done: true };
    } catch (error) {
      return { again: connectionError(error, 'cluster id') };
    }
  }
}

function newWanted(topic: string, since: number): Wanted {
  const { promise, resolve, reject } = withResolvers<TopicMetadata>();
  return { topic, since, promise, resolve, reject, attempts: 0, missingSince: null, notBefore: since };
}

function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((onDone, onFail) => {
    resolve = onDone;
    reject = onFail;
  });
  return { promise, resolve, reject };
}

/** A broker that lags behind may still name an old leader: the higher epoch wins while the topic is the same (KIP-320). */
function newestLeaders(known: TopicMetadata | undefined, fresh: TopicMetadata): TopicMetadata {
  if (known === undefined || known.topicId !== fresh.topicId) return fresh;
  const epochs = new Map<number, PartitionMetadata>(known.partitions.map((p) => [p.partition, p]));
  const partitions = fresh.partitions.map((partition) => {
    const before = epochs.get(partition.partition);
    return before !== undefined && before.leaderEpoch > partition.leaderEpoch ? before : partition;
  });
  return { ...fresh, partitions };
}

function leaderless(topic: string, partition: number, count: number): TidemarkError {
  if (partition >= count) {
    return new TidemarkError(
      'TM2004',
      'stop',
      `topic ${topic} has ${count} partitions, ${partition} is not among them`,
      {
        where: tpKey(topic, partition),
        hint: 'partitions are numbered from 0',
      },
    );
  }
  return new TidemarkError('TM2001', 'retry', 'partition has no leader', {
    where: tpKey(topic, partition),
    hint: 'check that the brokers that hold its replicas run',
  });
}

function missingTopic(topic: string): TidemarkError {
  return new TidemarkError('TM2003', 'stop', `topic ${topic} does not exist`, {
    where: `topic ${topic}`,
    hint: 'create the topic, or correct its name',
  });
}

function closedError(topic: string): TidemarkError {
  return new TidemarkError('TM2001', 'stop', 'the client was closed', {
    where: `metadata of topic ${topic}`,
  });
}
