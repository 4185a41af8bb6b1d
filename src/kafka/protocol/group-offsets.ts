import type { CommittedOffset, GroupIdentity, TopicPartition, TxnOffset } from '../port';
import type { KafkaApi, Throttled } from './api';
import type { ErrorCodeAnswer } from './error-code-answer';
import type { PartitionErrors } from './transactions';
import {
  readPartitionErrors,
  readPartitions,
  writePartitionIndexes,
  writePartitions,
} from './topic-partitions';

export interface OffsetCommitRequest {
  readonly group: GroupIdentity;
  readonly offsets: readonly TxnOffset[];
}

export const OFFSET_COMMIT: KafkaApi<OffsetCommitRequest, PartitionErrors> = {
  name: 'OffsetCommit',
  key: 8,
  minVersion: 7,
  maxVersion: 8,
  flexibleFrom: 8,

  encode(out, { group, offsets }) {
    out.string(group.groupId).i32(group.generationId).string(group.memberId);
    out.nullableString(group.groupInstanceId);
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

export interface OffsetFetchRequest {
  readonly groupId: string;
  /** Null: all of the group. */
  readonly partitions: readonly TopicPartition[] | null;
  readonly requireStable: boolean;
}

export interface OffsetFetchResponse extends Throttled {
  readonly errorCode: number;
  readonly offsets: readonly CommittedOffset[];
}

/** Version 7: the first with `requireStable` (KIP-447), the last for one group alone. */
export const OFFSET_FETCH: KafkaApi<OffsetFetchRequest, OffsetFetchResponse> = {
  name: 'OffsetFetch',
  key: 9,
  minVersion: 7,
  maxVersion: 7,
  flexibleFrom: 6,

  encode(out, { groupId, partitions, requireStable }) {
    out.string(groupId);
    writePartitionIndexes(out, partitions);
    out.bool(requireStable).end();
  },

  decode(input) {
    const throttleMs = input.i32();
    const offsets = readPartitions(input, (topic, partition) => {
      const offset = input.i64();
      input.i32(); // leader epoch
      const metadata = input.nullableString();
      return { topic, partition, offset, metadata, errorCode: input.i16() };
    });
    const errorCode = input.i16();
    input.end();
    return { throttleMs, errorCode, offsets };
  },
};

export interface OffsetDeleteRequest {
  readonly groupId: string;
  readonly partitions: readonly TopicPartition[];
}

const NEVER_FLEXIBLE = Number.POSITIVE_INFINITY;

/** The answer's error code is the group's; when that is 0, the first partition's that is not 0. */
export const OFFSET_DELETE: KafkaApi<OffsetDeleteRequest, ErrorCodeAnswer> = {
  name: 'OffsetDelete',
  key: 47,
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: NEVER_FLEXIBLE,

  encode(out, { groupId, partitions }) {
    out.string(groupId);
    writePartitions(out, partitions, () => undefined);
  },

  decode(input) {
    const groupError = input.i16();
    const throttleMs = input.i32();
    const partitions = readPartitionErrors(input);
    const firstError = partitions.find(({ errorCode }) => errorCode !== 0)?.errorCode ?? 0;
    return { throttleMs, errorCode: groupError === 0 ? firstError : groupError };
  },
};
