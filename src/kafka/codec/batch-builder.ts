import { TidemarkError } from '../../errors';
import type { RecordHeader } from '../../serde/record-header';
import type { Serde } from '../../serde/serde';
import { assert } from '../../util/asserts';
import { ByteWriter, copyBytes } from '../../util/byte-writer';
import { BATCH_OVERHEAD, LAYOUT, LOG_OVERHEAD, writeSafeInt64 } from './batch-header';
import { NO_HEADERS_SIZE, headersSize, writeHeaders } from './record-headers';
import type { CompressionName, SealedBatch } from './types';
import { varintSize, varlongSize, writeVarint, writeVarlong } from './varint';

export { finishBatch } from './finish-batch';
export type { SealedBatch } from './types';

const DEFAULT_INITIAL_CAPACITY = 16 * 1024;
const SCRATCH = 4096;
/** A scratch buffer that one huge record has blown up beyond this is not kept. */
const MAX_KEPT_SCRATCH = 1024 * 1024;
/** The last instant that a JavaScript Date can hold: differences of such timestamps are exact. */
const MAX_TIMESTAMP = 8.64e15;

export interface BatchBuilderOptions {
  /** No batch is larger, its header of 61 bytes and its records before compression taken together. */
  readonly maxBatchBytes: number;
  /** Default `none`. */
  readonly compression?: CompressionName;
  /** Bytes of a batch's first buffer, which doubles when it is full. Default 16 KiB. */
  readonly initialCapacity?: number;
}

/** Where keys and values are serialised before their length is known. Used within one synchronous call. */
const scratch = new ByteWriter(SCRATCH);

function emptyScratch(): ByteWriter {
  if (scratch.buffer.length > MAX_KEPT_SCRATCH) scratch.buffer = Buffer.allocUnsafe(SCRATCH);
  scratch.reset();
  return scratch;
}

/**
 * Encodes the records of one output partition into RecordBatch v2 (KIP-98), without an allocation per record.
 * A batch that is full is sealed and the next one begun; {@link take} hands out all of them. Any `append` that throws
 * leaves the builder as it was. All sizes are bytes, all timestamps milliseconds since 1970 (-1: none).
 */
export class BatchBuilder {
  private readonly maxBatchBytes: number;
  private readonly compression: CompressionName;
  private readonly initialCapacity: number;
  private sealed: SealedBatch[] = [];
  private sealedBytes = 0;
  private sealedRecords = 0;
  private buffer: Buffer | null = null;
  private position = BATCH_OVERHEAD;
  private count = 0;
  private baseTimestamp = 0;
  private maxTimestamp = 0;

  constructor(options: BatchBuilderOptions) {
    assert(options.maxBatchBytes > BATCH_OVERHEAD, 'a batch holds more than its header');
    this.maxBatchBytes = options.maxBatchBytes;
    this.compression = options.compression ?? 'none';
    const capacity = options.initialCapacity ?? DEFAULT_INITIAL_CAPACITY;
    this.initialCapacity = Math.min(Math.max(capacity, BATCH_OVERHEAD), options.maxBatchBytes);
  }

  /** Records appended since the last {@link take}. */
  get recordCount(): number {
    return this.sealedRecords + this.count;
  }

  /** Bytes that {@link take} would hand out, batch headers included. */
  get byteLength(): number {
    return this.sealedBytes + (this.count === 0 ? 0 : this.position);
  }

  get isEmpty(): boolean {
    return this.count === 0 && this.sealed.length === 0;
  }

  /**
   * Serialises and appends a record. A serde of null makes a null key or a null value (a tombstone).
   * @returns the record's encoded size
   * @throws whatever a serde throws; {TidemarkError} TM3003 when no batch can hold the record, TM3006 when
   *   `timestamp` is not a whole number of milliseconds from -1 to 8.64e15
   */
  append<K, V>(
    timestamp: number,
    key: Serde<K> | null,
    keyValue: K,
    value: Serde<V> | null,
    valueValue: V,
    headers: readonly RecordHeader[] | null,
  ): number {
    const out = emptyScratch();
    if (key !== null) key.write(keyValue, out);
    const keyEnd = out.position;
    if (value !== null) value.write(valueValue, out);
    const keyBytes = key === null ? null : out.buffer;
    const valueBytes = value === null ? null : out.buffer;
    return this.encode(timestamp, keyBytes, 0, keyEnd, valueBytes, keyEnd, out.position, headers);
  }

  /**
   * As {@link append}, with a key that is serialised already (to choose the partition by it): `key[keyStart, keyEnd)`.
   * @returns the record's encoded size
   */
  appendKeyed<V>(
    timestamp: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Serde<V> | null,
    valueValue: V,
    headers: readonly RecordHeader[] | null,
  ): number {
    const out = emptyScratch();
    if (value !== null) value.write(valueValue, out);
    const valueBytes = value === null ? null : out.buffer;
    return this.encode(timestamp, key, keyStart, keyEnd, valueBytes, 0, out.position, headers);
  }

  /**
   * Appends a record with the key `key[keyStart, keyEnd)` and the value `value[valueStart, valueEnd)`, which are
   * copied; null is a null key or value.
   * @returns the record's encoded size
   * @throws {TidemarkError} TM3003, TM3006 as {@link append}
   */
  appendBytes(
    timestamp: number,
    key: Uint8Array | null,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array | null,
    valueStart: number,
    valueEnd: number,
    headers: readonly RecordHeader[] | null,
  ): number {
    return this.encode(timestamp, key, keyStart, keyEnd, value, valueStart, valueEnd, headers);
  }

  /** Hands out all batches, oldest first, and begins anew. Their buffers are the caller's from now on. */
  take(): SealedBatch[] {
    this.seal();
    const taken = this.sealed;
    this.sealed = [];
    this.sealedBytes = 0;
    this.sealedRecords = 0;
    return taken;
  }

  private encode(
    timestamp: number,
    key: Uint8Array | null,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array | null,
    valueStart: number,
    valueEnd: number,
    headers: readonly RecordHeader[] | null,
  ): number {
    if (!Number.isSafeInteger(timestamp) || timestamp < -1 || timestamp > MAX_TIMESTAMP)
      throw badTimestamp(timestamp);
    const keyLength = key === null ? -1 : keyEnd - keyStart;
    const valueLength = value === null ? -1 : valueEnd - valueStart;
    // Attributes, key, value, headers: what does not depend on the batch.
    const fixed =
      1 +
      varintSize(keyLength) +
      (keyLength > 0 ? keyLength : 0) +
      varintSize(valueLength) +
      (valueLength > 0 ? valueLength : 0) +
      (headers === null || headers.length === 0 ? NO_HEADERS_SIZE : headersSize(headers));
    let delta = this.count === 0 ? 0 : timestamp - this.baseTimestamp;
    let body = fixed + varlongSize(delta) + varintSize(this.count);
    let size = varintSize(body) + body;
    if (this.position + size > this.maxBatchBytes) {
      delta = 0;
      body = fixed + 2;
      size = varintSize(body) + body;
      if (BATCH_OVERHEAD + size > this.maxBatchBytes) throw tooLarge(size, this.maxBatchBytes);
      this.seal();
    }
    const buffer = this.room(size);
    let at = writeVarint(buffer, this.position, body);
    buffer[at++] = 0;
    at = writeVarlong(buffer, at, delta);
    at = writeVarint(buffer, at, this.count);
    at = writeVarint(buffer, at, keyLength);
    if (key !== null) at = copyBytes(key, keyStart, keyEnd, buffer, at);
    at = writeVarint(buffer, at, valueLength);
    if (value !== null) at = copyBytes(value, valueStart, valueEnd, buffer, at);
    if (headers === null || headers.length === 0) buffer[at] = 0;
    else writeHeaders(headers, buffer, at);
    this.advance(timestamp, size);
    return size;
  }

  private advance(timestamp: number, size: number): void {
    if (this.count === 0) {
      this.baseTimestamp = timestamp;
      this.maxTimestamp = timestamp;
    } else if (timestamp > this.maxTimestamp) this.maxTimestamp = timestamp;
    this.position += size;
    this.count++;
  }

  /** The current batch's buffer with `size` bytes free behind `position`. */
  private room(size: number): Buffer {
    const needed = this.position + size;
    const current = this.buffer;
    if (current !== null && needed <= current.length) return current;
    const wanted = Math.max(needed, current === null ? this.initialCapacity : current.length * 2);
    const grown = Buffer.allocUnsafeSlow(Math.min(wanted, this.maxBatchBytes));
    if (current !== null) grown.set(current.subarray(0, this.position));
    this.buffer = grown;
    return grown;
  }

  private seal(): void {
    if (this.count === 0 || this.buffer === null) return;
    const buffer = this.buffer.subarray(0, this.position);
    writeHeader(buffer, this.count, this.baseTimestamp, this.maxTimestamp);
    this.sealed.push({
      buffer,
      recordCount: this.count,
      baseTimestamp: this.baseTimestamp,
      maxTimestamp: this.maxTimestamp,
      compression: this.compression,
    });
    this.sealedBytes += buffer.length;
    this.sealedRecords += this.count;
    this.buffer = null;
    this.position = BATCH_OVERHEAD;
    this.count = 0;
  }
}

/** All of the header that does not depend on the producer or on compression; the broker assigns offset and epoch. */
function writeHeader(buffer: Buffer, count: number, baseTimestamp: number, maxTimestamp: number): void {
  buffer.fill(0, 0, BATCH_OVERHEAD);
  buffer.writeInt32BE(buffer.length - LOG_OVERHEAD, LAYOUT.BATCH_LENGTH);
  buffer.writeInt32BE(-1, LAYOUT.LEADER_EPOCH);
  buffer[LAYOUT.MAGIC] = 2;
  buffer.writeInt32BE(count - 1, LAYOUT.LAST_OFFSET_DELTA);
  writeSafeInt64(buffer, LAYOUT.BASE_TIMESTAMP, baseTimestamp);
  writeSafeInt64(buffer, LAYOUT.MAX_TIMESTAMP, maxTimestamp);
  buffer.writeInt32BE(count, LAYOUT.RECORD_COUNT);
}

function tooLarge(size: number, maxBatchBytes: number): TidemarkError {
  const limit = maxBatchBytes - BATCH_OVERHEAD;
  return new TidemarkError('TM3003', 'stop', `a record takes ${size} bytes, the limit is ${limit}`, {
    hint: `raise kafka.max-batch-bytes (${maxBatchBytes}) and the topic's max.message.bytes, or write smaller records`,
  });
}

function badTimestamp(timestamp: number): TidemarkError {
  return new TidemarkError(
    'TM3006',
    'stop',
    `timestamp ${timestamp} is not a whole number of milliseconds since 1970`,
    {
      hint: 'Kafka takes no time before 1970; -1 stands for no timestamp',
    },
  );
}
