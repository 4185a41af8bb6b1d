import type { KafkaHandle } from '../../src/provision';
import { compileJudge, type CompiledJudge } from './compile-judge';
import { runJudge, type JudgeOptions } from './run-judge';

export interface ClicksVerdict {
  readonly ok: boolean;
  /** Sum of the last count of every user. */
  readonly total: number;
  readonly keys: number;
  readonly records: number;
  /** Counts that skip at least one. */
  readonly gaps: number;
  /** Counts not above one that was already there. */
  readonly repeats: number;
  /** Records of a user in another partition than his first. */
  readonly misplaced: number;
  /** Records that are no counts. */
  readonly malformed: number;
  /** Users whose last count is below their clicks in the input; 0 when no input was given. */
  readonly under: number;
  /** At most five, `partition@offset what`. */
  readonly firstProblems: readonly string[];
}

export interface DumpedRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[];
}

/** Offsets of one partition; `lso < hw` means that a transaction is open there. */
export interface PartitionEnds {
  readonly partition: number;
  readonly start: number;
  readonly lso: number;
  readonly hw: number;
}

export interface CommittedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string;
}

export interface OpenTransaction {
  readonly transactionalId: string;
  readonly state: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  /** `topic-partition`. */
  readonly partitions: readonly string[];
  /** Milliseconds since 1970. */
  readonly startedAt?: number;
}

export interface ProduceClicksOptions {
  readonly topic: string;
  readonly count: number;
  readonly users: number;
  /** Default 42. */
  readonly seed?: number;
  /** What the record key is. Default `user`. */
  readonly key?: 'user' | 'none';
  /** Records per second. Default: as fast as it goes. */
  readonly rate?: number;
  /** Timestamp of the first click; each further one is a millisecond later. Default 1760000000000. */
  readonly startTimestamp?: number;
  /** Default `none`. */
  readonly compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
}

export interface ProducedClicks {
  readonly records: number;
  /** Different users among them. */
  readonly users: number;
  readonly durationMs: number;
}

const MOST_DUMPED_RECORDS = 1_000_000;

/**
 * Looks into Kafka with Apache Kafka's own Java client, sharing no code with the program under test. Each call starts a Java
 * process. All reject with an Error when it cannot judge (topic missing, broker away).
 */
export class Judge {
  readonly #compiled: CompiledJudge;
  readonly #brokers: string;

  constructor(compiled: CompiledJudge, brokers: string) {
    this.#compiled = compiled;
    this.#brokers = brokers;
  }

  /**
   * Whether the committed records of a topic are the running counts of `expectTotal` clicks, each exactly once: for every user 1, 2, 3, …
   * Values are a JSON number with the user in the record key, or an object with `user_id` and `count`. With `input`, the topic of
   * the clicks, users that were counted too low are counted one by one: what AT_LEAST_ONCE must not have either.
   */
  clicks(
    topic: string,
    expectTotal: number,
    { input }: { readonly input?: string } = {},
  ): Promise<ClicksVerdict> {
    return this.#ask<ClicksVerdict>('clicks', { topic, 'expect-total': expectTotal, input });
  }

  /** The records of a topic, or those with one key, in the order of each partition, at most a million. Default isolation `read_committed`. */
  async dump(
    topic: string,
    options: {
      readonly isolation?: 'read_committed' | 'read_uncommitted';
      readonly limit?: number;
      readonly key?: Buffer;
    } = {},
  ): Promise<DumpedRecord[]> {
    const records: DumpedRecord[] = [];
    const limit = Math.min(options.limit ?? MOST_DUMPED_RECORDS, MOST_DUMPED_RECORDS);
    await this.#lines(
      'dump',
      { topic, isolation: options.isolation, limit, key: options.key?.toString('base64') },
      (line) => {
        records.push(parseDumped(line));
      },
    );
    return records;
  }

  /** The records of several topics, in one Java process. Default isolation `read_committed`. */
  async dumpAll(
    topics: readonly string[],
    isolation?: 'read_committed' | 'read_uncommitted',
  ): Promise<ReadonlyMap<string, readonly DumpedRecord[]>> {
    const records = new Map<string, DumpedRecord[]>(topics.map((topic) => [topic, []]));
    await this.#lines('dump', { topics: topics.join(), isolation }, (line) => {
      const { topic = '' } = JSON.parse(line) as DumpLine;
      records.get(topic)?.push(parseDumped(line));
    });
    return records;
  }

  /** First offset, last stable offset and high watermark of each partition, in partition order. */
  async ends(topic: string): Promise<readonly PartitionEnds[]> {
    const answer = await this.#ask<{ partitions: PartitionEnds[] }>('ends', { topic });
    return answer.partitions;
  }

  /** Committed offsets of a group, in order of topic and partition. */
  async group(group: string): Promise<readonly CommittedOffset[]> {
    const answer = await this.#ask<{ offsets: CommittedOffset[] }>('group', { group });
    return answer.offsets;
  }

  /** Writes synthetic clicks `{userId, page, ts, amount}` to a topic that exists; users are `u0` … */
  produceClicks(options: ProduceClicksOptions): Promise<ProducedClicks> {
    const { startTimestamp, ...rest } = options;
    return this.#ask<ProducedClicks>('produce-clicks', { ...rest, 'start-ts': startTimestamp });
  }

  /** Transactions of the whole cluster that are neither complete nor empty. */
  async transactions(): Promise<readonly OpenTransaction[]> {
    const answer = await this.#ask<{ transactions: OpenTransaction[] }>('transactions', {});
    return answer.transactions;
  }

  async #ask<T>(command: string, options: JudgeOptions): Promise<T> {
    let answer: T | undefined;
    await this.#lines(command, options, (line) => {
      answer = JSON.parse(line) as T;
    });
    if (answer === undefined) throw new Error(`judge ${command} printed nothing`);
    return answer;
  }

  #lines(command: string, options: JudgeOptions, onLine: (line: string) => void): Promise<void> {
    return runJudge(this.#compiled, command, { brokers: this.#brokers, ...options }, onLine);
  }
}

/** A judge for the cluster of `handle`; compiles it the first time. @throws Error when Java or Maven is missing */
export async function createJudge(handle: KafkaHandle): Promise<Judge> {
  return new Judge(await compileJudge(handle), handle.brokers.join(','));
}

interface DumpLine {
  /** When there are several. */
  readonly topic?: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly { readonly key: string; readonly value: string | null }[];
}

function parseDumped(line: string): DumpedRecord {
  const { partition, offset, timestamp, key, value, headers } = JSON.parse(line) as DumpLine;
  return {
    ...{ partition, offset, timestamp },
    key: bytesOf(key),
    value: bytesOf(value),
    headers: headers.map((header) => ({ key: header.key, value: bytesOf(header.value) })),
  };
}

function bytesOf(base64: string | null): Buffer | null {
  return base64 === null ? null : Buffer.from(base64, 'base64');
}
