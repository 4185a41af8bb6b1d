import { TidemarkError } from '../errors';
import type { KeyPart, StateKey } from '../state/store';
import type { ByteWriter } from '../util/byte-writer';
import {
  orderedBigintLength,
  readOrderedBigint,
  readOrderedNumber,
  writeOrderedBigint,
  writeOrderedNumber,
} from './ordered-numbers';
import { orderedTextEnd, readOrderedText, writeOrderedText } from './ordered-text';
import type { Serde } from './serde';
import { cannotSerialize, kindOf } from './serialize-error';

/**
 * Keys as bytes that sort like their values and end themselves, so that keys can be followed by a namespace and
 * scanned by range. Durable: it is in changelogs, shuffle topics and stores, so it never changes.
 *
 *     key   = part | TUPLE part+ END
 *     part  = FALSE | TRUE | NUMBER 8 bytes | BIGINT length byte, magnitude | STRING escaped UTF-8, 00 01
 *
 * Order: false, true, numbers, bigints, strings (by code point), tuples (element by element, a prefix first). A number
 * and a bigint of the same value are two keys.
 */
const END = 0x01;
const FALSE = 0x10;
const TRUE = 0x11;
const NUMBER = 0x20;
const BIGINT = 0x30;
const STRING = 0x40;
const TUPLE = 0x50;

/** A tuple has at most so many elements: a bound for the loops over untrusted bytes. */
export const MAX_TUPLE_LENGTH = 64;

/**
 * Appends the key's bytes.
 * @throws {TidemarkError} TM3005 on what cannot be a key: NaN, lone surrogates, over-long bigints, empty or nested
 *   tuples, anything that is not a {@link StateKey}
 */
export function encodeStateKey(key: StateKey, out: ByteWriter): void {
  if (typeof key === 'string') {
    out.u8(STRING);
    writeOrderedText(key, out);
  } else if (Array.isArray(key)) {
    encodeTuple(key as readonly KeyPart[], out);
  } else {
    encodePart(key as KeyPart, out);
  }
}

function encodeTuple(tuple: readonly KeyPart[], out: ByteWriter): void {
  if (tuple.length === 0 || tuple.length > MAX_TUPLE_LENGTH) {
    throw cannotSerialize('key', `a tuple has 1 to ${MAX_TUPLE_LENGTH} elements, this one ${tuple.length}`);
  }
  out.u8(TUPLE);
  for (let i = 0; i < tuple.length; i++) encodePart(tuple[i] as KeyPart, out);
  out.u8(END);
}

function encodePart(part: KeyPart, out: ByteWriter): void {
  switch (typeof part) {
    case 'string':
      out.u8(STRING);
      return writeOrderedText(part, out);
    case 'number':
      out.u8(NUMBER);
      return writeOrderedNumber(part, out);
    case 'bigint':
      out.u8(BIGINT);
      return writeOrderedBigint(part, out);
    case 'boolean':
      return out.u8(part ? TRUE : FALSE);
    default:
      throw cannotSerialize(
        'key',
        `${kindOf(part)} cannot be a key`,
        'use a string, number, bigint, boolean or tuple',
      );
  }
}

/**
 * The key whose bytes are exactly `buffer[start, end)`. Copies: nothing of `buffer` is kept.
 * @throws {TidemarkError} TM3001 when they are not the bytes of one key
 */
export function decodeStateKey(buffer: Buffer, start: number, end: number): StateKey {
  if (start >= end) throw malformed();
  const stop = partEnd(buffer, start, end);
  if (stop === end) return decodePart(buffer, start, end);
  if (stop !== -1 || buffer[start] !== TUPLE) throw malformed();
  return decodeTuple(buffer, start + 1, end);
}

function decodeTuple(buffer: Buffer, start: number, end: number): readonly KeyPart[] {
  const tuple: KeyPart[] = [];
  let at = start;
  while (at < end && buffer[at] !== END) {
    const stop = partEnd(buffer, at, end);
    if (stop === -1 || tuple.length === MAX_TUPLE_LENGTH) throw malformed();
    tuple.push(decodePart(buffer, at, stop));
    at = stop;
  }
  if (at !== end - 1 || tuple.length === 0) throw malformed();
  return tuple;
}

/** Where the part that begins at `start` ends (exclusive), or -1 when no whole part is there. */
function partEnd(buffer: Buffer, start: number, end: number): number {
  const stop = unboundedPartEnd(buffer, start, end);
  return stop <= end ? stop : -1;
}

function unboundedPartEnd(buffer: Buffer, start: number, end: number): number {
  if (start >= end) return -1;
  switch (buffer[start]) {
    case STRING: {
      const terminator = orderedTextEnd(buffer, start + 1, end);
      return terminator === -1 ? -1 : terminator + 2;
    }
    case NUMBER:
      return start + 9;
    case BIGINT: {
      const length = start + 1 < end ? orderedBigintLength(buffer.readUInt8(start + 1)) : -1;
      return length === -1 ? -1 : start + 2 + length;
    }
    case TRUE:
    case FALSE:
      return start + 1;
    default:
      return -1;
  }
}

/** The part in `buffer[start, end)`, whose extent {@link partEnd} has checked. */
function decodePart(buffer: Buffer, start: number, end: number): KeyPart {
  switch (buffer[start]) {
    case STRING:
      return readOrderedText(buffer, start + 1, end - 2);
    case NUMBER:
      return readOrderedNumber(buffer, start + 1);
    case BIGINT:
      return readOrderedBigint(buffer, start + 1);
    default:
      return buffer[start] === TRUE;
  }
}

function malformed(): TidemarkError {
  return new TidemarkError('TM3001', 'stop', 'the bytes are not an encoded key');
}

/** {@link encodeStateKey} and {@link decodeStateKey} as a serde. */
export const orderedKey: Serde<StateKey> = Object.freeze({
  name: 'ordered-key',
  write: encodeStateKey,
  read: decodeStateKey,
});
