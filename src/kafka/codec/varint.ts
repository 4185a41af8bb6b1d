import type { TidemarkError } from '../../errors';
import { assert } from '../../util/asserts';
import { damagedBatch } from './batch-header';

/**
 * Zigzag varints as record batches have them (Protocol Buffers encoding, seven bits a byte, low group first):
 * `varint` is 32 bits wide in at most 5 bytes, `varlong` 64 bits in at most 10. A varlong is a JavaScript number
 * here: magnitudes of 2^53 and above are refused.
 */
const TWO_POW_32 = 0x1_0000_0000;

/** Bytes that `value`, an int32, takes. */
export function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  if (zigzag < 0x80) return 1;
  if (zigzag < 0x4000) return 2;
  if (zigzag < 0x20_0000) return 3;
  return zigzag < 0x1000_0000 ? 4 : 5;
}

/** Writes an int32 at `position` and returns the position behind it. Room must be there. */
export function writeVarint(buffer: Uint8Array, position: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  while (zigzag >= 0x80) {
    buffer[position++] = (zigzag & 0x7f) | 0x80;
    zigzag >>>= 7;
  }
  buffer[position++] = zigzag;
  return position;
}

/** Bytes that `value`, a safe integer, takes. */
export function varlongSize(value: number): number {
  if (value === (value | 0)) return varintSize(value);
  // zigzag(x) = 2x or 2(-x-1)+1: the four lowest groups hold 27 bits of the magnitude, each further one 7.
  let rest = Math.floor((value < 0 ? -(value + 1) : value) / 0x800_0000);
  let size = 4;
  for (; rest > 0; size++) rest = Math.floor(rest / 0x80);
  return size;
}

/** Writes a safe integer at `position` and returns the position behind it. Room must be there. */
export function writeVarlong(buffer: Uint8Array, position: number, value: number): number {
  if (value === (value | 0)) return writeVarint(buffer, position, value);
  // The lowest group, 6 bits and the sign, is taken off first, so that nothing exceeds 2^53.
  const magnitude = value < 0 ? -(value + 1) : value;
  buffer[position++] = 0x80 | ((magnitude % 0x40) * 2) | (value < 0 ? 1 : 0);
  let rest = Math.floor(magnitude / 0x40);
  while (rest >= 0x80) {
    buffer[position++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  buffer[position++] = rest;
  return position;
}

/** Reads varints one after another; `position` moves. Never reads at or behind `limit`. */
export class VarintReader {
  buffer: Buffer;
  position = 0;
  limit = 0;
  /** What is being read, for error messages. */
  where = '';

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  reset(buffer: Buffer, position: number, limit: number): void {
    assert(limit <= buffer.length, 'limit is inside the buffer');
    this.buffer = buffer;
    this.position = position;
    this.limit = limit;
  }

  /** An int32. @throws {TidemarkError} TM2006 when it is cut off or longer than 5 bytes. */
  varint(): number {
    const { buffer, position, limit } = this;
    if (position < limit) {
      const first = buffer[position]!;
      if (first < 0x80) {
        this.position = position + 1;
        return (first >>> 1) ^ -(first & 1);
      }
      if (position + 1 < limit) {
        const second = buffer[position + 1]!;
        if (second < 0x80) {
          this.position = position + 2;
          const zigzag = (first & 0x7f) | (second << 7);
          return (zigzag >>> 1) ^ -(zigzag & 1);
        }
      }
    }
    return this.longVarint();
  }

  /** An int64 as a number. @throws {TidemarkError} TM2006 when cut off, over 10 bytes, or not a safe integer. */
  varlong(): number {
    const { buffer, position, limit } = this;
    if (position + 1 < limit) {
      const first = buffer[position]!;
      if (first < 0x80) {
        this.position = position + 1;
        return (first >>> 1) ^ -(first & 1);
      }
      const second = buffer[position + 1]!;
      if (second < 0x80) {
        this.position = position + 2;
        const zigzag = (first & 0x7f) | (second << 7);
        return (zigzag >>> 1) ^ -(zigzag & 1);
      }
    }
    return this.longVarlong();
  }

  private longVarint(): number {
    let zigzag = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      zigzag |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (zigzag >>> 1) ^ -(zigzag & 1);
    }
    throw this.damaged('a varint has more than 5 bytes');
  }

  private longVarlong(): number {
    let low = 0;
    let high = 0;
    for (let group = 0; group < 10; group++) {
      const byte = this.byte();
      const bits = byte & 0x7f;
      if (group < 4) low |= bits << (7 * group);
      else if (group === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (7 * group - 32);
      if (byte < 0x80) return this.unzigzag(low >>> 0, high >>> 0);
    }
    throw this.damaged('a varlong has more than 10 bytes');
  }

  private unzigzag(low: number, high: number): number {
    const half = (high >>> 1) * TWO_POW_32 + (((low >>> 1) | (high << 31)) >>> 0);
    const value = low & 1 ? -half - 1 : half;
    if (!Number.isSafeInteger(value)) throw this.damaged('a 64-bit number is beyond 2^53');
    return value;
  }

  private byte(): number {
    if (this.position >= this.limit) throw this.damaged('a number is cut off');
    return this.buffer[this.position++]!;
  }

  private damaged(what: string): TidemarkError {
    return damagedBatch(`${what}, at byte ${this.position}`, this.where);
  }
}
