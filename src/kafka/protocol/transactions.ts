import type {
  EndTxnResponse,
  GroupIdentity,
  InitProducerIdRequest,
  InitProducerIdResponse,
  PartitionError,
  TopicPartition,
  TxnIdentity,
  TxnOffset,
} from '../port';
import type { KafkaApi, Throttled } from './api';
import { readErrorCode, type ErrorCodeAnswer } from './error-code-answer';
import { versionsOf } from './transaction-version';
import { readPartitionErrors, writePartitionIndexes, writePartitions } from './topic-partitions';
import type { WireWriter } from './wire-writer';

/* AddPartitionsToTxn v4 is for brokers: it needs rights on the cluster. */

/** The first versions that mean transaction version 2 (KIP-890). */
const ADDS_OFFSETS = 5;
const RAISES_EPOCH = 5;

export interface PartitionErrors extends Throttled {
  readonly partitions: readonly PartitionError[];
}

export const INIT_PRODUCER_ID: KafkaApi<InitProducerIdRequest, InitProducerIdResponse & Throttled> = {
  name: 'InitProducerId',
  key: 22,
  minVersion: 3,
  maxVersion: 5,
  flexibleFrom: 2,

  encode(out, { transactionalId, transactionTimeoutMs, current }) {
    out.nullableString(transactionalId).i32(transactionTimeoutMs);
    out.i64(current?.producerId ?? -1n).i16(current?.producerEpoch ?? -1);
    out.end();
  },

  decode(input) {
    const throttleMs = input.i32();
    const answer = { errorCode: input.i16(), producerId: input.i64(), producerEpoch: input.i16() };
    input.end();
    return { throttleMs, ...answer };
  },
};

export interface AddPartitionsToTxnRequest {
  readonly txn: TxnIdentity;
  readonly partitions: readonly TopicPartition[];
}

export const ADD_PARTITIONS_TO_TXN: KafkaApi<AddPartitionsToTxnRequest, PartitionErrors> = {
  name: 'AddPartitionsToTxn',
  key: 24,
  minVersion: 1,
  maxVersion: 3,
  flexibleFrom: 3,

  encode(out, { txn, partitions }) {
    writeTxn(out, txn);
    writePartitionIndexes(out, partitions);
    out.end();
  },

  decode(input) {
    const throttleMs = input.i32();
    const partitions = readPartitionErrors(input);
    input.end();
    return { throttleMs, partitions };
  },
};

export interface AddOffsetsToTxnRequest {
  readonly txn: TxnIdentity;
  readonly groupId: string;
}

export const ADD_OFFSETS_TO_TXN: KafkaApi<AddOffsetsToTxnRequest, ErrorCodeAnswer> = {
  name: 'AddOffsetsToTxn',
  key: 25,
  minVersion: 1,
  maxVersion: 4,
  flexibleFrom: 3,

  encode(out, { txn, groupId }) {
    writeTxn(out, txn);
    out.string(groupId).end();
  },

  decode: readErrorCode,
};

export interface EndTxnRequest {
  readonly txn: TxnIdentity;
  readonly committed: boolean;
}

export const END_TXN: KafkaApi<EndTxnRequest, EndTxnResponse & Throttled> = {
  name: 'EndTxn',
  key: 26,
  minVersion: 1,
  maxVersion: 5,
  flexibleFrom: 3,

  versionsFor: ({ txn }) => versionsOf(txn.transactionVersion, END_TXN, RAISES_EPOCH),

  encode(out, { txn, committed }) {
    writeTxn(out, txn);
    out.bool(committed).end();
  },

  decode(input, version) {
    const throttleMs = input.i32();
    const errorCode = input.i16();
    const next = version >= RAISES_EPOCH ? { producerId: input.i64(), producerEpoch: input.i16() } : null;
    input.end();
    // With most errors a broker fills in -1: nobody's identity.
    const known = next !== null && next.producerId >= 0n && next.producerEpoch >= 0;
    return { throttleMs, errorCode, ...(known ? { next } : {}) };
  },
};

export interface TxnOffsetCommitRequest {
  readonly txn: TxnIdentity;
  readonly group: GroupIdentity;
  readonly offsets: readonly TxnOffset[];
}

/** Version 3 carries the group's generation and member id, by which an old owner is fenced (KIP-447). */
export const TXN_OFFSET_COMMIT: KafkaApi<TxnOffsetCommitRequest, PartitionErrors> = {
  name: 'TxnOffsetCommit',
  key: 28,
  minVersion: 3,
  maxVersion: 5,
  flexibleFrom: 3,

  versionsFor: ({ txn }) => versionsOf(txn.transactionVersion, TXN_OFFSET_COMMIT, ADDS_OFFSETS),

  encode(out, { txn, group, offsets }) {
    out.string(txn.transactionalId).string(group.groupId);
    out.i64(txn.producerId).i16(txn.producerEpoch);
    out.i32(group.generationId).string(group.memberId).nullableString(group.groupInstanceId);
    writePartitions(out, offsets, ({ offset, leaderEpoch, metadata }) => {
      out.i64(offset).i32(leaderEpoch).nullableString(metadata);
    });
    out.end();
  },

  decode(input) {
    const throttleMs = input.i32();
    const partitions = readPartitionErrors(input);
    input.end();
    return { throttleMs, partitions };
  },
};

function writeTxn(out: WireWriter, txn: TxnIdentity): void {
  out.string(txn.transactionalId).i64(txn.producerId).i16(txn.producerEpoch);
}
