import type { RecordHeader } from '../../serde/record-header';
import { damagedBatch } from './batch-header';
import { varintSize, writeVarint, type VarintReader } from './varint';

/** An empty list: one byte, the count. */
export const NO_HEADERS_SIZE = 1;
const NO_HEADERS: readonly RecordHeader[] = Object.freeze([]);
/** Key length and value length take a byte each at least. */
const MIN_HEADER_SIZE = 2;

/** Bytes that {@link writeHeaders} will take. */
export function headersSize(headers: readonly RecordHeader[]): number {
  let size = varintSize(headers.length);
  for (const { key, value } of headers) {
    const keyLength = Buffer.byteLength(key);
    size += varintSize(keyLength) + keyLength;
    size += value === null ? varintSize(-1) : varintSize(value.length) + value.length;
  }
  return size;
}

/** Writes the list, count first, and returns the position behind it. */
export function writeHeaders(headers: readonly RecordHeader[], buffer: Buffer, position: number): number {
  let at = writeVarint(buffer, position, headers.length);
  for (const { key, value } of headers) {
    at = writeVarint(buffer, at, Buffer.byteLength(key));
    at += buffer.write(key, at);
    at = writeVarint(buffer, at, value === null ? -1 : value.length);
    if (value !== null) {
      buffer.set(value, at);
      at += value.length;
    }
  }
  return at;
}

/**
 * Reads a list of headers up to the reader's limit, which is the end of the record. Values are copies.
 * @throws {TidemarkError} TM2006 when the list does not end where the record does
 */
export function readHeaders(reader: VarintReader): readonly RecordHeader[] {
  const count = reader.varint();
  if (count < 0 || count * MIN_HEADER_SIZE > reader.limit - reader.position)
    throw wrong(`${count} headers`, reader);
  if (count === 0 && reader.position === reader.limit) return NO_HEADERS;
  const headers: RecordHeader[] = [];
  for (let index = 0; index < count; index++) {
    const key = readBytes(reader);
    if (key === null) throw wrong('a header without a key', reader);
    const value = readBytes(reader);
    headers.push({ key: key.toString(), value: value === null ? null : Buffer.from(value) });
  }
  if (reader.position !== reader.limit) throw wrong('a record that is longer than its headers say', reader);
  return headers;
}

/** A view of the next bytes; null for a negative length. */
function readBytes(reader: VarintReader): Buffer | null {
  const length = reader.varint();
  if (length < 0) return null;
  const end = reader.position + length;
  if (end > reader.limit) throw wrong('a header that reaches beyond its record', reader);
  const bytes = reader.buffer.subarray(reader.position, end);
  reader.position = end;
  return bytes;
}

function wrong(what: string, reader: VarintReader): Error {
  return damagedBatch(`it has ${what}, at byte ${reader.position}`, reader.where);
}
