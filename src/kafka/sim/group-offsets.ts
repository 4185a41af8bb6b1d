import {
  tpKey,
  type CommittedOffset,
  type ProducerIdentity,
  type TopicPartition,
  type TxnOffset,
} from '../port';
import { KafkaError } from '../protocol/errors';

interface StoredOffset extends TopicPartition {
  readonly offset: bigint;
  readonly metadata: string;
}
type OffsetsOfGroup = Map<string, StoredOffset>;

/** What an open transaction has written into one partition of `__consumer_offsets`, by group. */
interface OpenTransaction {
  readonly epoch: number;
  readonly byGroup: Map<string, OffsetsOfGroup>;
}
/** A producer as the leader of one partition of `__consumer_offsets` knows it. */
interface OffsetsPartition {
  readonly epochs: Map<bigint, number>;
  readonly open: Map<bigint, OpenTransaction>;
}

/**
 * Committed offsets, and those that wait for a transaction's marker. Like any partition's log it survives every change of
 * the coordinator.
 */
export class GroupOffsets {
  private readonly committed = new Map<string, OffsetsOfGroup>();
  private readonly partitions = new Map<number, OffsetsPartition>();

  knows(groupId: string): boolean {
    return this.committed.has(groupId) || this.hasPending(groupId);
  }

  commit(groupId: string, offsets: readonly TxnOffset[]): void {
    const group = this.group(groupId);
    for (const offset of offsets) put(group, offset);
  }

  /** Whether the producer has an open transaction there that needs no further verification (KIP-890). */
  isOpen(index: number, { producerId, producerEpoch }: ProducerIdentity): boolean {
    return this.partition(index).open.get(producerId)?.epoch === producerEpoch;
  }

  /** @returns the error code of the append */
  commitInTransaction(
    index: number,
    groupId: string,
    { producerId, producerEpoch }: ProducerIdentity,
    offsets: readonly TxnOffset[],
  ): number {
    const partition = this.partition(index);
    if (producerEpoch < (partition.epochs.get(producerId) ?? -1)) return KafkaError.INVALID_PRODUCER_EPOCH;
    partition.epochs.set(producerId, producerEpoch);
    const fresh: OpenTransaction = { epoch: producerEpoch, byGroup: new Map() };
    const open = partition.open.get(producerId) ?? fresh;
    partition.open.set(producerId, open);
    const pending = open.byGroup.get(groupId) ?? new Map<string, StoredOffset>();
    open.byGroup.set(groupId, pending);
    for (const offset of offsets) put(pending, offset);
    return 0;
  }

  /** A marker arrives. @returns true: it is written, or of an epoch that needs none any more */
  endTransaction(
    index: number,
    marker: { readonly producerId: bigint; readonly producerEpoch: number; readonly committed: boolean },
  ): boolean {
    const partition = this.partition(index);
    if (marker.producerEpoch < (partition.epochs.get(marker.producerId) ?? -1)) return true;
    partition.epochs.set(marker.producerId, marker.producerEpoch);
    const open = partition.open.get(marker.producerId);
    partition.open.delete(marker.producerId);
    if (open === undefined || !marker.committed) return true;
    for (const [groupId, pending] of open.byGroup) {
      const group = this.group(groupId);
      for (const [key, stored] of pending) group.set(key, stored);
    }
    return true;
  }

  fetch(
    groupId: string,
    partitions: readonly TopicPartition[] | null,
    requireStable: boolean,
  ): CommittedOffset[] {
    const group = this.committed.get(groupId) ?? new Map<string, StoredOffset>();
    const wanted = partitions ?? [...group.values()];
    return wanted.map(({ topic, partition }) => {
      const unstable = requireStable && this.isPending(groupId, tpKey(topic, partition));
      if (unstable)
        return { topic, partition, errorCode: KafkaError.UNSTABLE_OFFSET_COMMIT, offset: -1n, metadata: '' };
      const stored = group.get(tpKey(topic, partition));
      const { offset, metadata } = stored ?? { offset: -1n, metadata: '' };
      return { topic, partition, errorCode: 0, offset, metadata };
    });
  }

  delete(groupId: string, partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions)
      this.committed.get(groupId)?.delete(tpKey(topic, partition));
  }

  deleteGroup(groupId: string): void {
    this.committed.delete(groupId);
    for (const { open } of this.partitions.values())
      for (const { byGroup } of open.values()) byGroup.delete(groupId);
  }

  private isPending(groupId: string, key: string): boolean {
    return [...this.partitions.values()].some(({ open }) =>
      [...open.values()].some(({ byGroup }) => byGroup.get(groupId)?.has(key) === true),
    );
  }

  private hasPending(groupId: string): boolean {
    return [...this.partitions.values()].some(({ open }) =>
      [...open.values()].some(({ byGroup }) => byGroup.has(groupId)),
    );
  }

  private group(groupId: string): OffsetsOfGroup {
    const known = this.committed.get(groupId) ?? new Map<string, StoredOffset>();
    this.committed.set(groupId, known);
    return known;
  }

  private partition(index: number): OffsetsPartition {
    const known = this.partitions.get(index) ?? { epochs: new Map(), open: new Map() };
    this.partitions.set(index, known);
    return known;
  }
}

function put(group: OffsetsOfGroup, { topic, partition, offset, metadata }: TxnOffset): void {
  group.set(tpKey(topic, partition), { topic, partition, offset, metadata: metadata ?? '' });
}
