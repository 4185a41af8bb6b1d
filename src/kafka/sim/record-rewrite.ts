import { ATTRIBUTE, LAYOUT, LOG_OVERHEAD, readBatchHeader, type BatchHeader } from '../codec/batch-header';
import { compress, decompress } from '../codec/compression';
import { VarintReader, varintSize, varlongSize, writeVarint, writeVarlong } from '../codec/varint';
import { crc32c } from '../../util/crc32c';
import { writeSafeInt64 } from '../codec/batch-header';

/** KIP-534: the base timestamp of such a batch is when its tombstones and markers may go. */
export const DELETE_HORIZON = 0x40;

/** One record of a batch, its parts as views. */
export interface RawLogRecord {
  readonly offset: number;
  readonly timestamp: number;
  /** Null: a record without a key. */
  readonly key: Buffer | null;
  /** Null: a tombstone. */
  readonly value: Buffer | null;
  /** Key, value and headers, lengths included, as they are encoded. */
  readonly body: Buffer;
}

/** What the broker looks at when it takes a batch: as strict as Kafka's own check. @throws when it is malformed */
export function recordsOf(batch: Buffer): RawLogRecord[] {
  const header = readBatchHeader(batch, 0, batch.length);
  const packed = batch.subarray(LAYOUT.RECORDS);
  const bytes = header.compression === 'none' ? packed : decompress(header.compression, packed, 'batch');
  const reader = new VarintReader(bytes);
  reader.where = 'batch';
  reader.reset(bytes, 0, bytes.length);
  const records: RawLogRecord[] = [];
  for (let i = 0; i < header.recordCount; i++) records.push(readRecord(reader, bytes, header));
  if (reader.position !== bytes.length) throw new Error('bytes behind the last record');
  return records;
}

function readRecord(reader: VarintReader, bytes: Buffer, header: BatchHeader): RawLogRecord {
  const length = reader.varint();
  const end = reader.position + length;
  if (length <= 0 || end > bytes.length) throw new Error('a record that reaches beyond its batch');
  reader.position++; // attributes: unused
  const delta = reader.varlong();
  const offset = header.baseOffset + reader.varint();
  const bodyStart = reader.position;
  const key = readBytes(reader, bytes);
  const value = readBytes(reader, bytes);
  reader.position = end;
  const timestamp = header.logAppendTime ? header.maxTimestamp : header.baseTimestamp + delta;
  return { offset, timestamp, key, value, body: bytes.subarray(bodyStart, end) };
}

function readBytes(reader: VarintReader, bytes: Buffer): Buffer | null {
  const length = reader.varint();
  if (length < 0) return null;
  const view = bytes.subarray(reader.position, reader.position + length);
  reader.position += length;
  return view;
}

/**
 * The batch with only these records, as the log cleaner writes it: offsets, producer and sequence stay, also when
 * nothing is left. With a delete horizon, timestamps are counted from it (KIP-534).
 */
export function rewriteBatch(
  batch: Buffer,
  kept: readonly RawLogRecord[],
  deleteHorizon: number | null,
): Buffer {
  const header = readBatchHeader(batch, 0, batch.length);
  const base = deleteHorizon ?? header.baseTimestamp;
  const records = encodeRecords(header, kept, base);
  const packed = header.compression === 'none' ? records : compress(header.compression, records);
  const rewritten = Buffer.concat([batch.subarray(0, LAYOUT.RECORDS), packed]);
  rewritten.writeInt32BE(rewritten.length - LOG_OVERHEAD, LAYOUT.BATCH_LENGTH);
  rewritten.writeInt32BE(kept.length, LAYOUT.RECORD_COUNT);
  writeSafeInt64(rewritten, LAYOUT.BASE_TIMESTAMP, base);
  if (deleteHorizon !== null) {
    rewritten.writeInt16BE(header.attributes | DELETE_HORIZON, LAYOUT.ATTRIBUTES);
  }
  return sealed(rewritten);
}

function encodeRecords(header: BatchHeader, kept: readonly RawLogRecord[], base: number): Buffer {
  return Buffer.concat(
    kept.map(({ offset, timestamp, body }) => {
      const timeDelta = timestamp - base;
      const offsetDelta = offset - header.baseOffset;
      const size = 1 + varlongSize(timeDelta) + varintSize(offsetDelta) + body.length;
      const record = Buffer.alloc(varintSize(size) + size);
      let at = writeVarint(record, 0, size) + 1;
      at = writeVarlong(record, at, timeDelta);
      at = writeVarint(record, at, offsetDelta);
      record.set(body, at);
      return record;
    }),
  );
}

/** Gives a batch its place in the log. With `appendTime` the topic has LogAppendTime. A new buffer. */
export function placedBatch(
  batch: Buffer,
  baseOffset: number,
  leaderEpoch: number,
  appendTime: number | null,
): Buffer {
  const placed = Buffer.from(batch);
  writeSafeInt64(placed, LAYOUT.BASE_OFFSET, baseOffset);
  placed.writeInt32BE(leaderEpoch, LAYOUT.LEADER_EPOCH);
  if (appendTime === null) return placed; // both fields lie before what the CRC covers
  placed.writeInt16BE(placed.readInt16BE(LAYOUT.ATTRIBUTES) | ATTRIBUTE.LOG_APPEND_TIME, LAYOUT.ATTRIBUTES);
  writeSafeInt64(placed, LAYOUT.MAX_TIMESTAMP, appendTime);
  return sealed(placed);
}

/** A control batch: the marker that ends a transaction in one partition (KIP-98). */
export function markerBatch(marker: {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly committed: boolean;
  readonly coordinatorEpoch: number;
  readonly timestamp: number;
}): Buffer {
  const key = Buffer.from([0, 0, 0, marker.committed ? 1 : 0]);
  const value = Buffer.alloc(6);
  value.writeInt32BE(marker.coordinatorEpoch, 2);
  const record = [2 * 16, 0, 0, 0, 2 * key.length, ...key, 2 * value.length, ...value, 0];
  const batch = Buffer.concat([Buffer.alloc(LAYOUT.RECORDS), Buffer.from(record)]);
  batch.writeInt32BE(batch.length - LOG_OVERHEAD, LAYOUT.BATCH_LENGTH);
  batch[LAYOUT.MAGIC] = 2;
  batch.writeInt16BE(ATTRIBUTE.TRANSACTIONAL | ATTRIBUTE.CONTROL, LAYOUT.ATTRIBUTES);
  writeSafeInt64(batch, LAYOUT.BASE_TIMESTAMP, marker.timestamp);
  writeSafeInt64(batch, LAYOUT.MAX_TIMESTAMP, marker.timestamp);
  batch.writeBigInt64BE(marker.producerId, LAYOUT.PRODUCER_ID);
  batch.writeInt16BE(marker.producerEpoch, LAYOUT.PRODUCER_EPOCH);
  batch.writeInt32BE(-1, LAYOUT.BASE_SEQUENCE);
  batch.writeInt32BE(1, LAYOUT.RECORD_COUNT);
  return sealed(batch);
}

export function isCommitMarker(batch: Buffer): boolean {
  return recordsOf(batch)[0]?.key?.readInt16BE(2) === 1;
}

/** Writes the CRC that the bytes have now. */
function sealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch, LAYOUT.ATTRIBUTES, batch.length), LAYOUT.CRC);
  return batch;
}
