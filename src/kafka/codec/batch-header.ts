import { TidemarkError } from '../../errors';
import type { CompressionName } from './types';

/**
 * Byte offsets of a RecordBatch v2 header (Kafka documentation, "Message Format"; KIP-98). All big-endian.
 * CRC-32C covers everything from ATTRIBUTES to the end of the batch.
 */
export const LAYOUT = {
  BASE_OFFSET: 0,
  /** Bytes behind this field. */
  BATCH_LENGTH: 8,
  LEADER_EPOCH: 12,
  MAGIC: 16,
  CRC: 17,
  ATTRIBUTES: 21,
  LAST_OFFSET_DELTA: 23,
  BASE_TIMESTAMP: 27,
  MAX_TIMESTAMP: 35,
  PRODUCER_ID: 43,
  PRODUCER_EPOCH: 51,
  BASE_SEQUENCE: 53,
  RECORD_COUNT: 57,
  RECORDS: 61,
} as const;

/** Bytes of a batch before its first record. */
export const BATCH_OVERHEAD = LAYOUT.RECORDS;
/** Bytes before the part that BATCH_LENGTH counts. */
export const LOG_OVERHEAD = 12;

export const ATTRIBUTE = {
  COMPRESSION: 0x07,
  LOG_APPEND_TIME: 0x08,
  TRANSACTIONAL: 0x10,
  CONTROL: 0x20,
} as const;

/** By the three compression bits. */
const COMPRESSIONS: readonly (CompressionName | undefined)[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

export function compressionId(name: CompressionName): number {
  return COMPRESSIONS.indexOf(name);
}

/** @throws {TidemarkError} TM2007 for a number that Kafka has not assigned. */
export function compressionOf(attributes: number, where: string): CompressionName {
  const name = COMPRESSIONS[attributes & ATTRIBUTE.COMPRESSION];
  if (name !== undefined) return name;
  throw new TidemarkError(
    'TM2007',
    'stop',
    `a batch is compressed with codec ${attributes & ATTRIBUTE.COMPRESSION}, which this release does not know`,
    { where },
  );
}

/** A batch header, decoded. `start` and `end` are byte positions in the buffer it was read from. */
export interface BatchHeader {
  readonly start: number;
  readonly end: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly leaderEpoch: number;
  readonly crc: number;
  readonly attributes: number;
  readonly compression: CompressionName;
  readonly logAppendTime: boolean;
  readonly transactional: boolean;
  readonly control: boolean;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  /** -1n: no producer. */
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
}

/** A signed 64-bit integer as a number. @throws {TidemarkError} TM2006 when it is not a safe integer. */
export function readSafeInt64(buffer: Buffer, position: number, where: string): number {
  const value = buffer.readInt32BE(position) * 0x1_0000_0000 + buffer.readUInt32BE(position + 4);
  if (!Number.isSafeInteger(value))
    throw damagedBatch(`a 64-bit number at byte ${position} is beyond 2^53`, where);
  return value;
}

export function writeSafeInt64(buffer: Buffer, position: number, value: number): void {
  buffer.writeInt32BE(Math.floor(value / 0x1_0000_0000), position);
  buffer.writeUInt32BE(value >>> 0, position + 4);
}

/**
 * Where the batch at `start` ends, or -1 when it is not wholly in `records`: the end of a fetch.
 * @throws {TidemarkError} TM2006 when the length cannot be right or the format is older than v2 (Kafka 0.11).
 */
export function batchEnd(records: Buffer, start: number, where: string): number {
  if (records.length - start <= LAYOUT.MAGIC) return -1;
  const magic = records[start + LAYOUT.MAGIC]!;
  if (magic !== 2) throw unsupportedMagic(magic, where);
  const length = records.readInt32BE(start + LAYOUT.BATCH_LENGTH);
  if (length < BATCH_OVERHEAD - LOG_OVERHEAD) throw damagedBatch(`its length field says ${length}`, where);
  const end = start + LOG_OVERHEAD + length;
  return end <= records.length ? end : -1;
}

/** The header of the batch at [start, end), without a look at its CRC or its records. */
export function readBatchHeader(
  records: Buffer,
  start: number,
  end: number,
  where = `byte ${start}`,
): BatchHeader {
  const baseOffset = readSafeInt64(records, start + LAYOUT.BASE_OFFSET, where);
  const lastOffset = baseOffset + records.readInt32BE(start + LAYOUT.LAST_OFFSET_DELTA);
  const attributes = records.readInt16BE(start + LAYOUT.ATTRIBUTES);
  const recordCount = records.readInt32BE(start + LAYOUT.RECORD_COUNT);
  if (baseOffset < 0 || lastOffset < baseOffset || recordCount < 0 || !Number.isSafeInteger(lastOffset + 1)) {
    throw damagedBatch(
      `its header says offsets ${baseOffset} to ${lastOffset}, ${recordCount} records`,
      where,
    );
  }
  return {
    start,
    end,
    baseOffset,
    lastOffset,
    leaderEpoch: records.readInt32BE(start + LAYOUT.LEADER_EPOCH),
    crc: records.readUInt32BE(start + LAYOUT.CRC),
    attributes,
    compression: compressionOf(attributes, where),
    logAppendTime: (attributes & ATTRIBUTE.LOG_APPEND_TIME) !== 0,
    transactional: (attributes & ATTRIBUTE.TRANSACTIONAL) !== 0,
    control: (attributes & ATTRIBUTE.CONTROL) !== 0,
    baseTimestamp: readSafeInt64(records, start + LAYOUT.BASE_TIMESTAMP, where),
    maxTimestamp: readSafeInt64(records, start + LAYOUT.MAX_TIMESTAMP, where),
    producerId: records.readBigInt64BE(start + LAYOUT.PRODUCER_ID),
    producerEpoch: records.readInt16BE(start + LAYOUT.PRODUCER_EPOCH),
    baseSequence: records.readInt32BE(start + LAYOUT.BASE_SEQUENCE),
    recordCount,
  };
}

/**
 * Calls `visit` with the header of every whole batch, control and empty ones too, in order.
 * @returns the position behind the last whole batch
 * @throws {TidemarkError} TM2006 as {@link batchEnd}
 */
export function forEachBatch(records: Buffer, visit: (header: BatchHeader) => void): number {
  let start = 0;
  for (;;) {
    const end = batchEnd(records, start, `byte ${start}`);
    if (end < 0) return start;
    visit(readBatchHeader(records, start, end));
    start = end;
  }
}

export function damagedBatch(what: string, where: string, cause?: unknown): TidemarkError {
  return new TidemarkError('TM2006', 'stop', `record batch is damaged: ${what}`, {
    where,
    hint: 'read the partition with another client; if that fails too, the broker has a damaged log segment',
    cause,
  });
}

function unsupportedMagic(magic: number, where: string): TidemarkError {
  return new TidemarkError('TM2006', 'stop', `record batch has format v${magic}, only v2 can be read`, {
    where,
    hint:
      magic < 2
        ? 'it was written before Kafka 0.11 or with an old log.message.format.version: copy the topic to a new one with current tools'
        : 'if the broker is not newer than this release, the batch is damaged',
  });
}
