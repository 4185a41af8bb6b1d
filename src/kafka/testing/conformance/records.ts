import type { RecordHeader } from '../../../serde/record-header';
import { BatchBuilder, finishBatch } from '../../codec/batch-builder';
import { BATCH_OVERHEAD } from '../../codec/batch-header';
import type { RecordCursor } from '../../codec/batch-reader';
import type { CompressionName } from '../../codec/types';
import type { ProducerIdentity } from '../../port';

/** A record to be written; a text stands for a value without key. */
export interface TestRecord {
  readonly key?: Buffer | string | null;
  readonly value?: Buffer | string | null;
  readonly headers?: readonly RecordHeader[];
  /** Milliseconds since 1970. Default: the batch's time. */
  readonly timestamp?: number;
}

export interface BatchOptions {
  /** Default: none, so neither idempotent nor transactional. */
  readonly producer?: ProducerIdentity | null;
  readonly baseSequence?: number;
  readonly transactional?: boolean;
  readonly compression?: CompressionName;
  /** Milliseconds since 1970, of every record without its own. */
  readonly time: number;
}

/** A record as a reader shows it. */
export interface ReadRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

const LARGEST_BATCH = 64 * 1024 * 1024;

/** One batch, ready for a Produce request. */
export function batchOf(records: readonly (TestRecord | string)[], options: BatchOptions): Buffer {
  const builder = new BatchBuilder({
    maxBatchBytes: LARGEST_BATCH,
    compression: options.compression ?? 'none',
  });
  for (const record of records)
    append(builder, typeof record === 'string' ? { value: record } : record, options.time);
  const [sealed] = builder.take();
  if (sealed === undefined) throw new Error('a batch without records');
  const { producerId, producerEpoch } = options.producer ?? { producerId: -1n, producerEpoch: -1 };
  const { baseSequence = -1, transactional = false } = options;
  return finishBatch(sealed, { producerId, producerEpoch, baseSequence, transactional });
}

function append(builder: BatchBuilder, record: TestRecord, time: number): void {
  const [key, value] = [bytesOf(record.key), bytesOf(record.value)];
  const { timestamp = time, headers = null } = record;
  builder.appendBytes(timestamp, key, 0, key?.length ?? 0, value, 0, value?.length ?? 0, headers);
}

function bytesOf(text: Buffer | string | null | undefined): Buffer | null {
  return typeof text === 'string' ? Buffer.from(text) : (text ?? null);
}

/** The value that fills a batch of one record to exactly `bytes`. */
export function valueFilling(bytes: number): string {
  for (let length = bytes - BATCH_OVERHEAD; length > 0; length--) {
    const value = 'x'.repeat(length);
    if (batchOf([value], { time: 0 }).length === bytes) return value;
  }
  throw new Error(`no batch of one record has ${bytes} bytes`);
}

/** The records in front of a cursor. */
export function recordsOf(cursor: RecordCursor): ReadRecord[] {
  const records: ReadRecord[] = [];
  while (cursor.next()) {
    const { buffer, keyStart, keyEnd, valueStart, valueEnd, offset, timestamp } = cursor;
    const key = keyStart < 0 ? null : Buffer.from(buffer.subarray(keyStart, keyEnd));
    const value = valueStart < 0 ? null : Buffer.from(buffer.subarray(valueStart, valueEnd));
    records.push({ offset, timestamp, key, value, headers: cursor.headers() });
  }
  return records;
}

/** Values as text; a null value is shown as null. */
export function textsOf(records: readonly ReadRecord[]): (string | null)[] {
  return records.map(({ value }) => value?.toString() ?? null);
}
