import type { FetchedPartition, FetchRequest, FetchResponse } from '../port';
import type { KafkaApi } from './api';
import { isolationByte } from './list-offsets';
import { readPartitions, writePartitions } from './topic-partitions';
import type { WireReader } from './wire-reader';

const CONSUMER = -1;
const NO_SESSION_ID = 0;
const NO_SESSION_EPOCH = -1;
const UNKNOWN_EPOCH = -1;
const UNKNOWN_LOG_START = -1n;

/**
 * Fetch v11 and v12: topics by name (version 13 asks by id), without fetch sessions, always from the leader.
 * The records of an answer are views of its buffer.
 */
export const FETCH: KafkaApi<FetchRequest, FetchResponse> = {
  name: 'Fetch',
  key: 1,
  minVersion: 11,
  maxVersion: 12,
  flexibleFrom: 12,

  encode(out, request, version) {
    out.i32(CONSUMER).i32(request.maxWaitMs).i32(request.minBytes).i32(request.maxBytes);
    out.i8(isolationByte(request.isolation)).i32(NO_SESSION_ID).i32(NO_SESSION_EPOCH);
    writePartitions(out, request.partitions, (partition) => {
      out.i32(partition.currentLeaderEpoch).i64(partition.fetchOffset);
      if (version >= 12) out.i32(UNKNOWN_EPOCH); // the last fetched epoch is for followers
      out.i64(UNKNOWN_LOG_START).i32(partition.maxBytes);
    });
    out.array([], () => undefined); // topics to forget: of a session
    out.string('').end(); // no rack: no fetch from followers
  },

  decode(input) {
    const throttleMs = input.i32();
    const errorCode = input.i16();
    input.i32(); // session id
    const partitions = readPartitions(input, (topic, partition) => readPartition(input, topic, partition));
    input.end();
    return { throttleMs, errorCode, partitions };
  },
};

function readPartition(input: WireReader, topic: string, partition: number): FetchedPartition {
  const errorCode = input.i16();
  const highWatermark = input.i64();
  const lastStableOffset = input.i64();
  const logStartOffset = input.i64();
  const abortedTransactions = input.nullableArray(() => {
    const aborted = { producerId: input.i64(), firstOffset: input.i64() };
    input.end();
    return aborted;
  });
  input.i32(); // preferred read replica
  const records = input.nullableBlob();
  return {
    topic,
    partition,
    errorCode,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    abortedTransactions,
    records: records === null || records.length === 0 ? null : records,
  };
}
