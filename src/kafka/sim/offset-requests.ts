import { decodeSubscription } from '../client/consumer-protocol';
import type {
  CommittedOffset,
  GroupIdentity,
  PartitionError,
  TopicPartition,
  TxnIdentity,
  TxnOffset,
} from '../port';
import { KafkaError } from '../protocol/errors';
import type { ClusterState } from './cluster-state';
import type { GroupCoordinator } from './group-coordinator';
import type { GroupOffsets } from './group-offsets';
import { Group } from './group-state';
import type { TransactionCoordinator } from './transaction-coordinator';
import { addWithRetries } from './produce';

const MAX_METADATA = 4096;

/** OffsetCommit, TxnOffsetCommit, OffsetFetch, OffsetDelete. */
export class OffsetRequests {
  private readonly state: ClusterState;
  private readonly groups: GroupCoordinator;
  private readonly offsets: GroupOffsets;
  private readonly transactions: TransactionCoordinator;

  constructor(
    state: ClusterState,
    groups: GroupCoordinator,
    offsets: GroupOffsets,
    transactions: TransactionCoordinator,
  ) {
    this.state = state;
    this.groups = groups;
    this.offsets = offsets;
    this.transactions = transactions;
  }

  async commit(
    nodeId: number,
    identity: GroupIdentity,
    offsets: readonly TxnOffset[],
  ): Promise<PartitionError[]> {
    const { groupId } = identity;
    const errorCode = this.problem(nodeId, identity, false);
    if (errorCode !== 0) return answers(offsets, () => errorCode);
    const problemOf = (offset: TxnOffset): number => this.offsetProblem(offset);
    this.offsets.commit(
      groupId,
      offsets.filter((offset) => problemOf(offset) === 0),
    );
    await this.state.hop();
    return answers(offsets, problemOf);
  }

  /** The generation is looked at here and never again: EndTxn does not know of groups. */
  async commitInTransaction(
    nodeId: number,
    txn: TxnIdentity,
    identity: GroupIdentity,
    offsets: readonly TxnOffset[],
  ): Promise<PartitionError[]> {
    const { groupId } = identity;
    const refusal = this.groups.home.refusal(groupId, nodeId);
    if (refusal !== 0) return answers(offsets, () => refusal);
    const unverified = await this.verify(txn, groupId);
    if (unverified !== 0) return answers(offsets, () => unverified);
    const errorCode = this.problem(nodeId, identity, true);
    if (errorCode !== 0) return answers(offsets, () => errorCode);
    const index = this.groups.home.indexOf(groupId);
    const problems = new Map(offsets.map((offset) => [offset, this.offsetProblem(offset)]));
    const accepted = offsets.filter((offset) => problems.get(offset) === 0);
    const appended = this.offsets.commitInTransaction(index, groupId, txn, accepted);
    await this.state.hop();
    return answers(offsets, (offset) => problems.get(offset) || appended);
  }

  fetch(
    nodeId: number,
    groupId: string,
    partitions: readonly TopicPartition[] | null,
    requireStable: boolean,
  ): { readonly errorCode: number; readonly offsets: readonly CommittedOffset[] } {
    const errorCode = this.groups.home.refusal(groupId, nodeId);
    if (errorCode !== 0) return { errorCode, offsets: [] };
    return { errorCode: 0, offsets: this.offsets.fetch(groupId, partitions, requireStable) };
  }

  delete(nodeId: number, groupId: string, partitions: readonly TopicPartition[]): number {
    const refusal = this.groups.home.refusal(groupId, nodeId);
    if (refusal !== 0) return refusal;
    const group = this.groups.groups.get(groupId);
    if (group === undefined && !this.offsets.knows(groupId)) return KafkaError.GROUP_ID_NOT_FOUND;
    const subscribed = group === undefined ? new Set<string>() : subscribedTopics(group);
    if (subscribed === null) return KafkaError.NON_EMPTY_GROUP;
    const codes = partitions.map(({ topic, partition }) => {
      if (this.state.partition(topic, partition) === undefined) return KafkaError.UNKNOWN_TOPIC_OR_PARTITION;
      return subscribed.has(topic) ? KafkaError.GROUP_SUBSCRIBED_TO_TOPIC : 0;
    });
    this.offsets.delete(
      groupId,
      partitions.filter((_, i) => codes[i] === 0),
    );
    return codes.find((code) => code !== 0) ?? 0;
  }

  private offsetProblem({ topic, partition, metadata }: TxnOffset): number {
    if (this.state.partition(topic, partition) === undefined) return KafkaError.UNKNOWN_TOPIC_OR_PARTITION;
    return (metadata ?? '').length > MAX_METADATA ? KafkaError.OFFSET_METADATA_TOO_LARGE : 0;
  }

  /** KIP-890: the offsets' partition must be in the transaction; version 2 puts it there. */
  private async verify(txn: TxnIdentity, groupId: string): Promise<number> {
    const index = this.groups.home.indexOf(groupId);
    if (this.offsets.isOpen(index, txn)) return 0;
    const key = this.transactions.offsetsKey(groupId);
    if (txn.transactionVersion === 2) {
      return asTxnOffsetCommit(await addWithRetries(this.state, this.transactions, txn, [key]));
    }
    await this.state.hop();
    return asTxnOffsetCommit(this.transactions.verify(txn, key));
  }

  /** As Kafka's ClassicGroup.validateOffsetCommit. A generation of -1 in a transaction is taken, whoever sends it. */
  private problem(nodeId: number, identity: GroupIdentity, transactional: boolean): number {
    const { groupId, generationId, memberId, groupInstanceId } = identity;
    const refusal = this.groups.home.refusal(groupId, nodeId);
    if (refusal !== 0) return refusal;
    const group = this.groups.groups.get(groupId);
    if (group === undefined) {
      if (generationId >= 0) return KafkaError.ILLEGAL_GENERATION;
      this.groups.groups.set(groupId, new Group(groupId));
      return 0;
    }
    if (generationId < 0 && group.state === 'Empty') return 0;
    if (generationId >= 0 || memberId !== '' || groupInstanceId !== null) {
      const problem = group.identityError(identity);
      if (problem !== 0) return problem;
      if (generationId !== group.generation) return KafkaError.ILLEGAL_GENERATION;
    } else if (!transactional) return KafkaError.UNKNOWN_MEMBER_ID;
    if (!transactional && group.state === 'CompletingRebalance') return KafkaError.REBALANCE_IN_PROGRESS;
    const member = group.members.get(memberId);
    if (member !== undefined && !transactional) this.groups.keepAlive(group, member);
    return 0;
  }
}

function answers(offsets: readonly TxnOffset[], codeOf: (offset: TxnOffset) => number): PartitionError[] {
  return offsets.map((offset) => ({
    topic: offset.topic,
    partition: offset.partition,
    errorCode: codeOf(offset),
  }));
}

function asTxnOffsetCommit(errorCode: number): number {
  return errorCode === KafkaError.PRODUCER_FENCED ? KafkaError.INVALID_PRODUCER_EPOCH : errorCode;
}

/** Topics of a consumer group's members; null: members whose metadata says nothing of topics. */
function subscribedTopics(group: Group): Set<string> | null {
  const topics = new Set<string>();
  for (const member of group.members.values()) {
    try {
      for (const topic of decodeSubscription(group.metadataOf(member)).topics) topics.add(topic);
    } catch {
      return null;
    }
  }
  return topics;
}
