import type { RecordCursor } from '../../codec/batch-reader';
import { readLog } from '../../client/log-reader';
import { waitForStable } from '../../client/offsets';
import {
  EARLIEST,
  LATEST,
  type FetchedPartition,
  type Isolation,
  type ProducedPartition,
  type TopicPartition,
} from '../../port';
import type { Bench } from './bench';
import { nameOf, OK, type ErrorName } from './errors';
import { batchOf, recordsOf, textsOf, type BatchOptions, type ReadRecord, type TestRecord } from './records';

const STABLE_LIMIT_MS = 60_000;
const PRODUCE_TIMEOUT_MS = 10_000;
const MIB = 1024 * 1024;

export interface FetchOptions {
  readonly partition?: number;
  /** Default 0. */
  readonly from?: number;
  /** Default `read_committed`. */
  readonly isolation?: Isolation;
  /** Default 0: what is there at once. */
  readonly maxWaitMs?: number;
  readonly minBytes?: number;
  /** Of the answer, and of the partition in it. */
  readonly maxBytes?: number;
  readonly leaderEpoch?: number;
}

/** Answer to one batch: the error by name. */
export interface Sent {
  readonly error: ErrorName;
  readonly offset: number;
}

export interface PartitionEnds {
  readonly start: number;
  readonly lastStable: number;
  readonly highWatermark: number;
}

/** A topic of one case. */
export class TestTopic {
  readonly name: string;
  readonly #bench: Bench;
  readonly #leaders = new Map<number, number>();

  constructor(bench: Bench, name: string) {
    this.#bench = bench;
    this.name = name;
  }

  at(partition = 0): TopicPartition {
    return { topic: this.name, partition };
  }

  /** Node id; kept until {@link forgetLeaders}. */
  async leader(partition = 0): Promise<number> {
    const known = this.#leaders.get(partition);
    if (known !== undefined) return known;
    const found = await this.#bench.eventually(`a leader of ${this.name}-${partition}`, async () => {
      const [topic] = (await this.#bench.port.metadata([this.name])).topics;
      const leader = topic?.partitions.find((one) => one.partition === partition)?.leader ?? -1;
      return leader < 0 ? undefined : leader;
    });
    this.#leaders.set(partition, found);
    return found;
  }

  forgetLeaders(): void {
    this.#leaders.clear();
    this.#bench.client.metadata.invalidate(this.name);
  }

  /**
   * True, for {@link Bench.eventually}, when the leader leads and every broker has heard of the partition: until then
   * a coordinator may say that there is no such topic.
   */
  async isReady(partition: number): Promise<true | undefined> {
    const query = { ...this.at(partition), timestamp: LATEST };
    const leader = await this.leader(partition);
    for (let nodeId = 1; nodeId <= this.#bench.brokers; nodeId++) {
      const [answer] = await this.#bench.port.listOffsets(nodeId, 'read_uncommitted', [query]);
      const isKnown =
        nodeId === leader ? answer?.errorCode === 0 : nameOf(answer) === 'NOT_LEADER_OR_FOLLOWER';
      if (isKnown) continue;
      this.forgetLeaders();
      return undefined;
    }
    return true;
  }

  /** Writes one batch without a transaction, or whatever `options` make of it. */
  async send(
    records: readonly (TestRecord | string)[],
    options: Partial<BatchOptions> & { readonly partition?: number; readonly transactionalId?: string } = {},
  ): Promise<Sent> {
    const batch = batchOf(records, { time: this.#bench.now(), ...options });
    return sentOf(await this.produce(batch, options.partition, options.transactionalId));
  }

  /** Sends a batch as it is. */
  async produce(
    batch: Buffer,
    partition = 0,
    transactionalId: string | null = null,
  ): Promise<ProducedPartition> {
    const answer = await this.#bench.port.produce(await this.leader(partition), {
      ...{ transactionalId, acks: -1, timeoutMs: PRODUCE_TIMEOUT_MS },
      partitions: [{ ...this.at(partition), batch }],
    });
    return answer.partitions[0]!;
  }

  /** One Fetch request. */
  async fetch(options: FetchOptions = {}): Promise<FetchedPartition> {
    const { partition = 0, from = 0, isolation = 'read_committed', maxBytes = MIB } = options;
    const answer = await this.#bench.port.fetch(await this.leader(partition), {
      ...{ isolation, maxWaitMs: options.maxWaitMs ?? 0, minBytes: options.minBytes ?? 1, maxBytes },
      partitions: [
        {
          ...this.at(partition),
          ...{ fetchOffset: BigInt(from), currentLeaderEpoch: options.leaderEpoch ?? -1, maxBytes },
        },
      ],
    });
    return answer.partitions[0]!;
  }

  /** The first offset, the last stable one and the high watermark, as ListOffsets says them. */
  async ends(partition = 0): Promise<PartitionEnds> {
    const [start, lastStable, highWatermark] = await Promise.all([
      this.offset(EARLIEST, 'read_uncommitted', partition),
      this.offset(LATEST, 'read_committed', partition),
      this.offset(LATEST, 'read_uncommitted', partition),
    ]);
    return { start, lastStable, highWatermark };
  }

  async offset(timestamp: bigint, isolation: Isolation = 'read_committed', partition = 0): Promise<number> {
    const query = { ...this.at(partition), timestamp };
    const [answer] = await this.#bench.port.listOffsets(await this.leader(partition), isolation, [query]);
    if (nameOf(answer) !== OK) throw new Error(`ListOffsets of ${this.name}-${partition}: ${nameOf(answer)}`);
    return Number(answer?.offset);
  }

  /** Waits until every transaction below the present end has ended, and returns that end. */
  stable(partition = 0): Promise<number> {
    return waitForStable(this.#bench.client, { ...this.at(partition), deadlineMs: STABLE_LIMIT_MS });
  }

  /** Waits until the log ends at this offset and nothing below it is undecided. */
  async settledAt(end: number, partition = 0): Promise<void> {
    let ends = await this.ends(partition);
    const isSettled = async (): Promise<true | undefined> => {
      ends = await this.ends(partition);
      return ends.lastStable === end && ends.highWatermark === end ? true : undefined;
    };
    await this.#bench.eventually('the markers', isSettled).catch((error: unknown) => {
      throw new Error(`the log does not end at ${end}: ${JSON.stringify(ends)}`, { cause: error });
    });
  }

  /** Everything that our reader shows of the partition at present, however many requests that takes. */
  async read(isolation: Isolation = 'read_committed', partition = 0): Promise<ReadRecord[]> {
    const { lastStable, highWatermark } = await this.ends(partition);
    const to = isolation === 'read_committed' ? lastStable : highWatermark;
    const records: ReadRecord[] = [];
    const onChunk = (cursor: RecordCursor): void => void records.push(...recordsOf(cursor));
    await readLog({ ...this.#bench.client, ...this.at(partition), from: 'earliest', to, isolation, onChunk });
    return records;
  }

  /** The values of {@link read}. */
  async texts(isolation: Isolation = 'read_committed', partition = 0): Promise<(string | null)[]> {
    return textsOf(await this.read(isolation, partition));
  }
}

export function sentOf(answer: ProducedPartition): Sent {
  return { error: nameOf(answer), offset: Number(answer.baseOffset) };
}
