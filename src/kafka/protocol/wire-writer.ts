import { ByteWriter } from '../../util/byte-writer';

/** From this size on, `blob` refers to the caller's memory instead of copying it. */
const COPY_LIMIT_BYTES = 2048;

interface Splice {
  readonly position: number;
  readonly blob: Buffer;
}

/**
 * Writes one Kafka request body. The same calls write both encodings of the protocol: the classic one, and the
 * flexible one (KIP-482) with compact lengths and tagged fields, when `flexible` is set.
 */
export class WireWriter {
  readonly flexible: boolean;
  readonly #out = new ByteWriter(256);
  readonly #splices: Splice[] = [];
  #splicedBytes = 0;

  constructor(flexible: boolean) {
    this.flexible = flexible;
  }

  /** Bytes written so far, spliced ones included. */
  get size(): number {
    return this.#out.position + this.#splicedBytes;
  }

  i8(value: number): this {
    this.#out.u8(value & 0xff);
    return this;
  }

  i16(value: number): this {
    this.#out.u16(value & 0xffff);
    return this;
  }

  i32(value: number): this {
    this.#out.i32(value);
    return this;
  }

  i64(value: bigint): this {
    this.#out.i64(value);
    return this;
  }

  bool(value: boolean): this {
    return this.i8(value ? 1 : 0);
  }

  /** 16 zero bytes: "no topic id". */
  zeroUuid(): this {
    return this.i64(0n).i64(0n);
  }

  string(text: string): this {
    const length = Buffer.byteLength(text);
    if (this.flexible) this.#out.uvarint(length + 1);
    else this.classicStringLength(length);
    this.#out.utf8(text);
    return this;
  }

  nullableString(text: string | null): this {
    if (text !== null) return this.string(text);
    return this.flexible ? this.i8(0) : this.i16(-1);
  }

  /** The bytes alone, copied. */
  raw(bytes: Uint8Array): this {
    this.#out.bytes(bytes);
    return this;
  }

  /** A length and the bytes. A large blob is not copied: it must not change until the frame has been sent. */
  blob(blob: Buffer): this {
    if (this.flexible) this.#out.uvarint(blob.length + 1);
    else this.#out.i32(blob.length);
    if (blob.length < COPY_LIMIT_BYTES) {
      this.#out.bytes(blob);
    } else {
      this.#splices.push({ position: this.#out.position, blob });
      this.#splicedBytes += blob.length;
    }
    return this;
  }

  array<T>(items: readonly T[], write: (item: T) => void): this {
    if (this.flexible) this.#out.uvarint(items.length + 1);
    else this.#out.i32(items.length);
    for (const item of items) write(item);
    return this;
  }

  nullableArray<T>(items: readonly T[] | null, write: (item: T) => void): this {
    if (items !== null) return this.array(items, write);
    return this.flexible ? this.i8(0) : this.i32(-1);
  }

  i32Array(values: readonly number[]): this {
    return this.array(values, (value) => this.i32(value));
  }

  /** Ends a structure: an empty section of tagged fields, which only flexible versions have. */
  end(): void {
    if (this.flexible) this.#out.u8(0);
  }

  /** Overwrites four bytes at the very beginning, which must have been written before. */
  patchFirstI32(value: number): void {
    this.#out.buffer.writeInt32BE(value, 0);
  }

  /** What was written, as buffers to send one after the other. The writer must not be used afterwards. */
  chunks(): Buffer[] {
    const chunks: Buffer[] = [];
    let from = 0;
    for (const { position, blob } of this.#splices) {
      chunks.push(this.#out.buffer.subarray(from, position), blob);
      from = position;
    }
    chunks.push(this.#out.buffer.subarray(from, this.#out.position));
    return chunks;
  }

  private classicStringLength(length: number): void {
    if (length > 0x7fff) throw new RangeError(`a string of ${length} bytes does not fit a Kafka request`);
    this.#out.u16(length);
  }
}
