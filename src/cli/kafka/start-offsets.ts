import { TidemarkError } from '../../errors';
import type { ClientContext } from '../../kafka/client/client-context';
import { earliestOffsets, endOffsets, offsetsAt } from '../../kafka/client/offsets';
import { describeTopics } from '../../kafka/client/topic-admin';
import { tpKey, type TopicPartition } from '../../kafka/port';
import { ask, COMMAND_DEADLINE_MS } from './session';

/** Where a job that is reset begins to read. */
export type StartPoint =
  { readonly kind: 'earliest' } | { readonly kind: 'datetime'; readonly timestamp: number };

/** An offset in an input topic, to be committed to the group. */
export interface StartOffset extends TopicPartition {
  readonly offset: number;
}

/**
 * The offsets of a start point in every partition of the topics. A partition without a record at or after the time
 * starts at its end.
 * @throws TidemarkError TM2003 topic missing, TM2001 no answer in time
 */
export async function startOffsets(
  client: ClientContext,
  topics: readonly string[],
  start: StartPoint,
): Promise<readonly StartOffset[]> {
  const partitions = await allPartitions(client, topics);
  const first =
    start.kind === 'earliest'
      ? await earliestOffsets(client, partitions, COMMAND_DEADLINE_MS)
      : await offsetsAt(client, partitions, start.timestamp, COMMAND_DEADLINE_MS);
  const behind = partitions.filter(({ topic, partition }) => (first.get(tpKey(topic, partition)) ?? -1) < 0);
  const ends = await endOffsets(client, behind, 'read_committed', COMMAND_DEADLINE_MS);
  return partitions.map(({ topic, partition }) => {
    const key = tpKey(topic, partition);
    return { topic, partition, offset: ends.get(key) ?? first.get(key) ?? 0 };
  });
}

async function allPartitions(client: ClientContext, topics: readonly string[]): Promise<TopicPartition[]> {
  const described = await describeTopics(client.port, topics);
  return topics.flatMap((topic) => {
    const found = described.get(topic);
    if (found == null) throw new TidemarkError('TM2003', 'stop', `input topic ${topic} does not exist`);
    return found.partitions.map(({ partition }) => ({ topic, partition }));
  });
}

/** Writes the offsets as an administrator does for a group without members: with no generation and no member id. */
export async function commitStartOffsets(
  client: ClientContext,
  groupId: string,
  offsets: readonly StartOffset[],
): Promise<void> {
  const group = { groupId, generationId: -1, memberId: '', groupInstanceId: null };
  const written = offsets.map(({ topic, partition, offset }) => ({
    topic,
    partition,
    offset: BigInt(offset),
    leaderEpoch: -1,
    metadata: null,
  }));
  await ask(client, { api: 'OffsetCommit', where: `group ${groupId}` }, async (port) => {
    const results = await port.offsetCommit(group, written);
    return { errorCode: results.find(({ errorCode }) => errorCode !== 0)?.errorCode ?? 0 };
  });
}

/** Forgets the offsets of these partitions. */
export async function forgetOffsets(
  client: ClientContext,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<void> {
  if (partitions.length === 0) return;
  await ask(client, { api: 'OffsetDelete', where: `group ${groupId}` }, (port) =>
    port.deleteOffsets(groupId, partitions),
  );
}
