import type { ClientContext } from '../../kafka/client/client-context';
import { decodeAssignment } from '../../kafka/client/consumer-protocol';
import { KafkaError } from '../../kafka/protocol/errors';
import { tpKey, type TopicPartition } from '../../kafka/port';
import { ask } from './session';

export interface GroupMember {
  readonly memberId: string;
  /** Static members only. */
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly host: string;
  readonly partitions: readonly TopicPartition[];
}

export interface ApplicationGroup {
  /** As Kafka calls it: Stable, PreparingRebalance, Empty, Dead … */
  readonly state: string;
  readonly members: readonly GroupMember[];
}

/** The consumer group of an application. One that does not exist is `Dead` and has no members. */
export async function describeGroup(client: ClientContext, groupId: string): Promise<ApplicationGroup> {
  const request = {
    api: 'DescribeGroups',
    where: `group ${groupId}`,
    expected: [KafkaError.GROUP_ID_NOT_FOUND],
  };
  const group = await ask(client, request, (port) => port.describeGroup(groupId));
  if (group.errorCode === KafkaError.GROUP_ID_NOT_FOUND) return { state: 'Dead', members: [] };
  const members = group.members.map((member) => ({
    memberId: member.memberId,
    instanceId: member.groupInstanceId,
    clientId: member.clientId,
    host: member.clientHost.replace(/^\//, ''),
    partitions: decodeAssignment(member.assignment).partitions,
  }));
  return { state: group.state, members };
}

export interface CommittedPartition extends TopicPartition {
  readonly offset: bigint;
}

/**
 * What the group has committed, by topic and partition.
 * @param stable waits for transactions with offsets that are still open, of a dead instance for instance
 */
export async function committedOffsets(
  client: ClientContext,
  groupId: string,
  stable: boolean,
): Promise<readonly CommittedPartition[]> {
  const request = {
    api: 'OffsetFetch',
    where: `group ${groupId}`,
    expected: [KafkaError.GROUP_ID_NOT_FOUND],
  };
  const answer = await ask(client, request, async (port) => {
    const fetched = await port.offsetFetch(groupId, null, stable);
    const failed = fetched.offsets.find((one) => one.errorCode !== 0);
    return { ...fetched, errorCode: fetched.errorCode === 0 ? (failed?.errorCode ?? 0) : fetched.errorCode };
  });
  return answer.offsets
    .filter(({ offset }) => offset >= 0n)
    .map(({ topic, partition, offset }) => ({ topic, partition, offset }))
    .sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);
}

/** Who works on which partition, by `topic-partition`. */
export function ownersByPartition(group: ApplicationGroup): ReadonlyMap<string, GroupMember> {
  const owned = group.members.flatMap((member) =>
    member.partitions.map(({ topic, partition }) => [tpKey(topic, partition), member] as const),
  );
  return new Map(owned);
}
