/** Up to this many characters or bytes a loop is faster than a call into the engine (measured on Node 20). */
const LOOP_UP_TO = 24;

/**
 * A growable buffer that is written front to back and reused: the hot path's only scratch memory.
 * All integers are big-endian. Positions are byte offsets.
 */
export class ByteWriter {
  buffer: Buffer;
  position = 0;

  constructor(initialCapacity = 1024) {
    this.buffer = Buffer.allocUnsafe(initialCapacity);
  }

  /** Makes room for `extra` more bytes. */
  reserve(extra: number): void {
    const needed = this.position + extra;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(grown, 0, 0, this.position);
    this.buffer = grown;
  }

  reset(): void {
    this.position = 0;
  }

  u8(value: number): void {
    this.reserve(1);
    this.buffer[this.position++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.position = this.buffer.writeUInt16BE(value, this.position);
  }

  i32(value: number): void {
    this.reserve(4);
    this.position = this.buffer.writeInt32BE(value, this.position);
  }

  f64(value: number): void {
    this.reserve(8);
    this.position = this.buffer.writeDoubleBE(value, this.position);
  }

  i64(value: bigint): void {
    this.reserve(8);
    this.position = this.buffer.writeBigInt64BE(value, this.position);
  }

  /** Writes the text as UTF-8, without a length. */
  utf8(text: string): void {
    this.reserve(text.length * 3);
    if (text.length > LOOP_UP_TO || !this.ascii(text))
      this.position += this.buffer.write(text, this.position);
  }

  /** Writes a text of ASCII characters; false, and nothing written, when it has others. */
  private ascii(text: string): boolean {
    const { buffer, position } = this;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return false;
      buffer[position + index] = code;
    }
    this.position = position + text.length;
    return true;
  }

  bytes(source: Uint8Array, start = 0, end = source.length): void {
    const length = end - start;
    this.reserve(length);
    this.position = copyBytes(source, start, end, this.buffer, this.position);
  }

  /** Unsigned LEB128. `value` must be a non-negative integer below 2^53. */
  uvarint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.buffer[this.position++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.buffer[this.position++] = rest;
  }

  /** A copy of what was written. */
  toBuffer(): Buffer {
    return Buffer.from(this.buffer.subarray(0, this.position));
  }
}

/** Copies `source[start, end)` to `target` at `position`, where room must be; returns the position behind it. */
export function copyBytes(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  position: number,
): number {
  const length = end - start;
  if (length <= LOOP_UP_TO) {
    for (let index = start; index < end; index++) target[position++] = source[index]!;
    return position;
  }
  target.set(new Uint8Array(source.buffer, source.byteOffset + start, length), position);
  return position + length;
}
