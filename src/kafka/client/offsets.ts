import { TidemarkError } from '../../errors';
import {
  EARLIEST,
  LATEST,
  tpKey,
  type Isolation,
  type OffsetAnswer,
  type OffsetQuery,
  type TopicPartition,
} from '../port';
import { KafkaError } from '../protocol/errors';
import { retryUntil, type Attempt } from './backoff';
import { firstProducer } from './batch-walk';
import { brokerError, connectionError, reactionTo } from './broker-errors';
import type { ClientContext } from './client-context';

/** Offsets by `topic-partition`. */
export type OffsetsByPartition = ReadonlyMap<string, number>;

/** How long leaders may be moving or brokers away before a question about offsets fails. */
const DEFAULT_DEADLINE_MS = 60_000;
/** Pauses between two looks at a last stable offset: markers take a few milliseconds, a foreign transaction any time. */
const STABLE_RANGE = { initialMs: 5, maxMs: 50 };
/** Enough for the header of the batch that blocks, and all that a broker sends beyond it is dropped at once. */
const PEEK_BYTES = 1024;

/**
 * The offset behind the last record: the last stable offset with `read_committed`, else the high watermark.
 * @throws {TidemarkError} TM2001 no answer within the deadline, TM2003 topic missing, TM2008 not authorised
 */
export function endOffsets(
  context: ClientContext,
  partitions: readonly TopicPartition[],
  isolation: Isolation,
  deadlineMs = DEFAULT_DEADLINE_MS,
): Promise<OffsetsByPartition> {
  return offsetsFor(context, partitions, LATEST, isolation, deadlineMs);
}

/** The offset of the first record that the log still holds. @throws as {@link endOffsets} */
export function earliestOffsets(
  context: ClientContext,
  partitions: readonly TopicPartition[],
  deadlineMs = DEFAULT_DEADLINE_MS,
): Promise<OffsetsByPartition> {
  return offsetsFor(context, partitions, EARLIEST, 'read_uncommitted', deadlineMs);
}

/**
 * The first offset whose timestamp (milliseconds since 1970) is at least `timestamp`; -1 where there is none.
 * @throws as {@link endOffsets}
 */
export function offsetsAt(
  context: ClientContext,
  partitions: readonly TopicPartition[],
  timestamp: number,
  deadlineMs = DEFAULT_DEADLINE_MS,
): Promise<OffsetsByPartition> {
  return offsetsFor(context, partitions, BigInt(timestamp), 'read_committed', deadlineMs);
}

async function offsetsFor(
  context: ClientContext,
  partitions: readonly TopicPartition[],
  timestamp: bigint,
  isolation: Isolation,
  deadlineMs: number,
): Promise<OffsetsByPartition> {
  const found = new Map<string, number>();
  await retryUntil({ platform: context.platform, deadlineMs }, async (): Promise<Attempt<true>> => {
    const missing = partitions.filter(({ topic, partition }) => !found.has(tpKey(topic, partition)));
    const byLeader = await groupByLeader(context, missing);
    const failures = await Promise.all(
      [...byLeader].map(([nodeId, tps]) =>
        askLeader(
          context,
          nodeId,
          isolation,
          tps.map((tp) => ({ ...tp, timestamp })),
          found,
        ),
      ),
    );
    const again = failures.find((failure) => failure !== null);
    return again == null ? { done: true } : { again };
  });
  return found;
}

async function groupByLeader(context: ClientContext, partitions: readonly TopicPartition[]) {
  const leaders = await Promise.all(
    partitions.map(({ topic, partition }) => context.metadata.leaderOf(topic, partition)),
  );
  const byLeader = new Map<number, { topic: string; partition: number }[]>();
  for (const [index, { topic, partition }] of partitions.entries()) {
    const nodeId = leaders[index]!.nodeId;
    const group = byLeader.get(nodeId);
    if (group === undefined) byLeader.set(nodeId, [{ topic, partition }]);
    else group.push({ topic, partition });
  }
  return byLeader;
}

/** Adds what the leader knows to `found`; an error that another attempt may heal is returned, any other is thrown. */
async function askLeader(
  context: ClientContext,
  nodeId: number,
  isolation: Isolation,
  queries: readonly OffsetQuery[],
  found: Map<string, number>,
): Promise<TidemarkError | null> {
  let answers: readonly OffsetAnswer[];
  try {
    answers = await context.port.listOffsets(nodeId, isolation, queries);
  } catch (error) {
    for (const { topic } of queries) context.metadata.invalidate(topic);
    return connectionError(error, `broker ${nodeId}`);
  }
  const answered = new Map(answers.map((answer) => [tpKey(answer.topic, answer.partition), answer]));
  let again: TidemarkError | null = null;
  for (const { topic, partition } of queries) {
    const key = tpKey(topic, partition);
    const answer = answered.get(key);
    const errorCode = answer?.errorCode ?? KafkaError.UNKNOWN_TOPIC_OR_PARTITION;
    if (answer !== undefined && errorCode === KafkaError.NONE) {
      found.set(key, Number(answer.offset));
      continue;
    }
    context.metadata.invalidate(topic);
    again = brokerError('ListOffsets', errorCode, key);
    if (reactionTo(errorCode) !== 'retry') throw again;
  }
  return again;
}

export interface StableWait extends TopicPartition {
  /** Milliseconds; the transaction time-out of whoever may have left a transaction open. */
  readonly deadlineMs: number;
}

/**
 * PROTOCOL B4: takes the high watermark (from ListOffsets, because a Fetch answer may carry a stale one after a leader
 * change, KIP-207) and waits until the last stable offset has reached it, so that everything below it is decided.
 * @returns the high watermark that was waited for
 * @throws {TidemarkError} TM5003 `abort-epoch` when it is not reached in time, naming the producer whose transaction
 * is open; TM2xxx as {@link endOffsets}
 */
export async function waitForStable(context: ClientContext, wait: StableWait): Promise<number> {
  const { clock } = context.platform;
  const deadline = clock.monotonic() + wait.deadlineMs;
  const remaining = () => Math.max(0, deadline - clock.monotonic());
  const end = async (isolation: Isolation) => {
    const offsets = await endOffsets(context, [wait], isolation, remaining());
    return offsets.get(tpKey(wait.topic, wait.partition))!;
  };
  const highWatermark = await end('read_uncommitted');
  let stable = -1;
  const blocked = new TidemarkError('TM5003', 'abort-epoch', 'an open transaction blocks the log');
  try {
    await retryUntil(
      { platform: context.platform, deadlineMs: remaining(), range: STABLE_RANGE },
      async () => {
        stable = await end('read_committed');
        return stable >= highWatermark ? { done: true } : { again: blocked };
      },
    );
  } catch (error) {
    throw error === blocked ? await blockedBy(context, wait, stable, highWatermark) : error;
  }
  return highWatermark;
}

async function blockedBy(context: ClientContext, wait: StableWait, stable: number, highWatermark: number) {
  const producer = await producerAt(context, wait, stable);
  const key = tpKey(wait.topic, wait.partition);
  const what = `an open transaction of ${producer} blocks ${key}: committed up to ${stable} of ${highWatermark}`;
  return new TidemarkError('TM5003', 'abort-epoch', `${what} after ${wait.deadlineMs} ms`, {
    where: `${key}@${stable}`,
    hint: 'find and abort it with `tidemark transactions` or kafka-transactions.sh',
  });
}

/** The last stable offset is the first offset of the oldest open transaction: its batch says whose it is. */
async function producerAt(
  context: ClientContext,
  { topic, partition }: StableWait,
  offset: number,
): Promise<string> {
  try {
    const { nodeId, leaderEpoch } = await context.metadata.leaderOf(topic, partition);
    const answer = await context.port.fetch(nodeId, {
      isolation: 'read_uncommitted',
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: PEEK_BYTES,
      partitions: [
        {
          topic,
          partition,
          fetchOffset: BigInt(offset),
          currentLeaderEpoch: leaderEpoch,
          maxBytes: PEEK_BYTES,
        },
      ],
    });
    const producer = firstProducer(answer.partitions[0]?.records ?? null);
    if (producer !== null) return `producer ${producer.producerId} (epoch ${producer.producerEpoch})`;
  } catch {
    // Only the name is missing: the error that is being built matters more.
  }
  return 'an unknown producer';
}
