import type { Isolation, OffsetAnswer, OffsetQuery } from '../port';
import type { KafkaApi, Throttled } from './api';
import { readPartitions, writePartitions } from './topic-partitions';

export interface ListOffsetsRequest {
  readonly isolation: Isolation;
  readonly queries: readonly OffsetQuery[];
}

export interface ListOffsetsResponse extends Throttled {
  readonly answers: readonly OffsetAnswer[];
}

const CONSUMER = -1;
const ANY_LEADER_EPOCH = -1;

/** The byte that requests use for the isolation level. */
export function isolationByte(isolation: Isolation): number {
  return isolation === 'read_committed' ? 1 : 0;
}

export const LIST_OFFSETS: KafkaApi<ListOffsetsRequest, ListOffsetsResponse> = {
  name: 'ListOffsets',
  key: 2,
  minVersion: 4,
  maxVersion: 7,
  flexibleFrom: 6,

  encode(out, { isolation, queries }) {
    out.i32(CONSUMER).i8(isolationByte(isolation));
    writePartitions(out, queries, ({ timestamp }) => out.i32(ANY_LEADER_EPOCH).i64(timestamp));
    out.end();
  },

  decode(input) {
    const throttleMs = input.i32();
    const answers = readPartitions(input, (topic, partition) => {
      const errorCode = input.i16();
      const timestamp = input.i64();
      const offset = input.i64();
      return { topic, partition, errorCode, timestamp, offset, leaderEpoch: input.i32() };
    });
    input.end();
    return { throttleMs, answers };
  },
};
