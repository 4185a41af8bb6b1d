import type { ClientContext } from '../kafka/client/client-context';
import { endOffsets } from '../kafka/client/offsets';
import { KafkaRequestError, type TopicPartition } from '../kafka/port';

/** How far a consumer group is in one topic, seen from outside: offsets, control records included. */
export interface GroupProgress {
  readonly committed: number;
  readonly end: number;
}

export async function groupProgress(
  client: ClientContext,
  group: string,
  topic: string,
  partitions: number,
): Promise<GroupProgress> {
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
  const ends = await endOffsets(client, all, 'read_committed');
  const end = [...ends.values()].reduce((sum, offset) => sum + offset, 0);
  return { committed: await committedOffsets(client, group, all), end };
}

async function committedOffsets(
  client: ClientContext,
  group: string,
  partitions: readonly TopicPartition[],
): Promise<number> {
  try {
    const { offsets } = await client.port.offsetFetch(group, partitions, false);
    return offsets.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
  } catch (error) {
    // A look that failed is repeated at the next turn; the job itself reports what is wrong.
    if (error instanceof KafkaRequestError) return 0;
    throw error;
  }
}
