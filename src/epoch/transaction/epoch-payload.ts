import type { SealedBatch } from '../../kafka/codec/batch-builder';
import type { GroupIdentity, TxnOffset } from '../../kafka/port';

/** All batches of one epoch for one partition, in order; a commit record is in the last batch of a changelog. */
export interface PartitionPayload {
  readonly topic: string;
  readonly partition: number;
  readonly batches: readonly SealedBatch[];
}

/** What one epoch's transaction carries. Generation and member id are those captured with the assignment (A2). */
export interface EpochPayload {
  readonly partitions: readonly PartitionPayload[];
  /** `topic-partition` of every changelog partition among them: each ends with a commit record. */
  readonly changelogs: ReadonlySet<string>;
  readonly offsets: readonly TxnOffset[];
  readonly group: GroupIdentity;
}

/** Where the last batch of a partition landed. */
export interface Landing {
  /** Offset behind the last record. */
  readonly nextOffset: number;
  /** By the broker's clock when the topic has LogAppendTime, else -1. */
  readonly appendTime: number;
  readonly leaderEpoch: number;
}

/** The proof of a clean answer to EndTxn: only {@link TransactionalProducer.commit} makes one. */
export interface CommitReceipt {
  /** By `topic-partition`. */
  readonly landings: ReadonlyMap<string, Landing>;
  readonly durationMs: number;
}
