import { batchEnd, LAYOUT, LOG_OVERHEAD, readSafeInt64 } from '../codec/batch-header';

export interface Walked {
  /** Bytes of whole batches from the start. */
  readonly wholeBytes: number;
  /** The offset behind the last whole batch; -1 when there is none. */
  readonly nextOffset: number;
  /** Size of the first batch when not even that one is whole and its length is known; else 0. */
  readonly firstBatchBytes: number;
}

/**
 * Finds, from batch headers alone, where the next fetch goes on. The offset comes from `lastOffsetDelta`, which
 * compaction keeps: it counts on behind removed records, empty batches and control batches.
 * @throws {TidemarkError} TM2006 when a header cannot be one of a RecordBatch v2
 */
export function walkBatches(records: Buffer, where: string): Walked {
  let last = -1;
  let at = 0;
  for (let end = batchEnd(records, at, where); end >= 0; end = batchEnd(records, at, where)) {
    last = at;
    at = end;
  }
  const nextOffset = last < 0 ? -1 : offsetBehind(records, last, where);
  return { wholeBytes: at, nextOffset, firstBatchBytes: last < 0 ? lengthOfFirst(records) : 0 };
}

function offsetBehind(records: Buffer, start: number, where: string): number {
  const baseOffset = readSafeInt64(records, start + LAYOUT.BASE_OFFSET, where);
  return baseOffset + records.readInt32BE(start + LAYOUT.LAST_OFFSET_DELTA) + 1;
}

function lengthOfFirst(records: Buffer): number {
  return records.length < LOG_OVERHEAD ? 0 : LOG_OVERHEAD + records.readInt32BE(LAYOUT.BATCH_LENGTH);
}

/** Who wrote the first batch, or null when its header is not there. */
export function firstProducer(records: Buffer | null): { producerId: bigint; producerEpoch: number } | null {
  if (records === null || records.length < LAYOUT.RECORDS) return null;
  return {
    producerId: records.readBigInt64BE(LAYOUT.PRODUCER_ID),
    producerEpoch: records.readInt16BE(LAYOUT.PRODUCER_EPOCH),
  };
}
