import type { ByteWriter } from '../util/byte-writer';
import { cannotSerialize } from './serialize-error';

const SIGN = 0x80;

/**
 * An IEEE 754 double whose bytes sort as its value: the sign bit flipped for positive numbers, all bits flipped for
 * negative ones. -0 is written as 0. Source: the usual total-order trick, as in Lucene's NumericUtils.
 *
 * @throws {TidemarkError} TM3005 on NaN, which has no place in an order and is not equal to itself
 */
export function writeOrderedNumber(value: number, out: ByteWriter): void {
  if (Number.isNaN(value)) throw cannotSerialize('key', 'NaN cannot be a key');
  const at = out.position;
  out.f64(value === 0 ? 0 : value);
  flip(out.buffer, at, value < 0);
}

export function readOrderedNumber(buffer: Buffer, start: number): number {
  SCRATCH.set(buffer.subarray(start, start + 8));
  flip(SCRATCH, 0, (buffer.readUInt8(start) & SIGN) === 0);
  return SCRATCH.readDoubleBE(0);
}

const SCRATCH = Buffer.alloc(8);

function flip(buffer: Buffer, at: number, negative: boolean): void {
  if (!negative) {
    buffer[at] = buffer.readUInt8(at) ^ SIGN;
    return;
  }
  for (let i = at; i < at + 8; i++) buffer[i] = ~buffer.readUInt8(i);
}

/** Magnitudes of bigint keys end at 64 bytes (512 bits): a key is an identifier, and every key has a bound. */
export const MAX_BIGINT_BYTES = 64;

/**
 * A bigint of any length up to {@link MAX_BIGINT_BYTES}: one byte 0x80 ± the number of magnitude bytes, then the
 * magnitude, big-endian, inverted for negative values. Longer magnitudes are further from zero, so bytes sort as values.
 *
 * @throws {TidemarkError} TM3005 on a larger magnitude
 */
export function writeOrderedBigint(value: bigint, out: ByteWriter): void {
  const negative = value < 0n;
  const hex = value === 0n ? '' : (negative ? -value : value).toString(16);
  const magnitude = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  if (magnitude.length > MAX_BIGINT_BYTES) {
    throw cannotSerialize(
      'key',
      `a bigint key has at most ${MAX_BIGINT_BYTES * 8} bits, this one ${magnitude.length * 8}`,
    );
  }
  out.u8(negative ? SIGN - magnitude.length : SIGN + magnitude.length);
  if (negative) invert(magnitude);
  out.bytes(magnitude);
}

/** Number of magnitude bytes behind the length byte, or -1 when that byte is not one. */
export function orderedBigintLength(lengthByte: number): number {
  const length = Math.abs(lengthByte - SIGN);
  return length <= MAX_BIGINT_BYTES ? length : -1;
}

/** The bigint whose length byte is at `start`. */
export function readOrderedBigint(buffer: Buffer, start: number): bigint {
  const lengthByte = buffer.readUInt8(start);
  const length = orderedBigintLength(lengthByte);
  if (length === 0) return 0n;
  const magnitude = Buffer.from(buffer.subarray(start + 1, start + 1 + length));
  if (lengthByte > SIGN) return BigInt(`0x${magnitude.toString('hex')}`);
  invert(magnitude);
  return -BigInt(`0x${magnitude.toString('hex')}`);
}

function invert(bytes: Buffer): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = ~bytes.readUInt8(i);
}
