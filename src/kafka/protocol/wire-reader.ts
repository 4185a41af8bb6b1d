/** Thrown when an answer does not have the form that its API and version say. */
export class MalformedAnswerError extends Error {
  override readonly name = 'MalformedAnswerError';
}

const MAX_UVARINT_BYTES = 5;

/**
 * Reads one Kafka answer body, in the classic or (`flexible`) the compact encoding of KIP-482. Every read is checked
 * against the end of the buffer, and every length and count against what is left.
 *
 * All methods throw {@link MalformedAnswerError} when the bytes are not what they should be.
 */
export class WireReader {
  readonly flexible: boolean;
  readonly #buffer: Buffer;
  #position = 0;

  constructor(buffer: Buffer, flexible: boolean) {
    this.#buffer = buffer;
    this.flexible = flexible;
  }

  get remaining(): number {
    return this.#buffer.length - this.#position;
  }

  i8(): number {
    return this.#buffer.readInt8(this.take(1));
  }

  i16(): number {
    return this.#buffer.readInt16BE(this.take(2));
  }

  i32(): number {
    return this.#buffer.readInt32BE(this.take(4));
  }

  i64(): bigint {
    return this.#buffer.readBigInt64BE(this.take(8));
  }

  bool(): boolean {
    return this.i8() !== 0;
  }

  /** A UUID as Kafka prints it: base64url of its 16 bytes. */
  uuid(): string {
    const start = this.take(16);
    return this.#buffer.toString('base64url', start, start + 16);
  }

  string(): string {
    const text = this.nullableString();
    if (text === null) throw new MalformedAnswerError('null where a string must be');
    return text;
  }

  nullableString(): string | null {
    const length = this.flexible ? this.uvarint() - 1 : this.i16();
    if (length < 0) return null;
    const start = this.take(length);
    return this.#buffer.toString('utf8', start, start + length);
  }

  /** A view of the answer's memory, not a copy. */
  nullableBlob(): Buffer | null {
    const length = this.flexible ? this.uvarint() - 1 : this.i32();
    if (length < 0) return null;
    const start = this.take(length);
    return this.#buffer.subarray(start, start + length);
  }

  /** A copy: for small values that are kept, and must not keep the whole answer in memory. */
  copiedBlob(): Buffer {
    return Buffer.from(this.nullableBlob() ?? Buffer.alloc(0));
  }

  array<T>(read: () => T): T[] {
    return this.nullableArray(read) ?? [];
  }

  nullableArray<T>(read: () => T): T[] | null {
    const count = this.count();
    if (count < 0) return null;
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }

  i32Array(): number[] {
    return this.array(() => this.i32());
  }

  /** Number of elements of an array that follows, -1 for null. Never more than there are bytes left. */
  count(): number {
    const count = this.flexible ? this.uvarint() - 1 : this.i32();
    if (count > this.remaining)
      throw new MalformedAnswerError(`an array of ${count} in ${this.remaining} bytes`);
    return count;
  }

  /** Ends a structure: skips its tagged fields, which only flexible versions have. */
  end(): void {
    this.taggedFields(() => undefined);
  }

  /** Ends a structure and shows its tagged fields; what `read` leaves of a field is skipped. */
  taggedFields(read: (tag: number, field: WireReader) => void): void {
    if (!this.flexible) return;
    for (let fields = this.uvarint(); fields > 0; fields--) {
      const tag = this.uvarint();
      const length = this.uvarint();
      const start = this.take(length);
      read(tag, new WireReader(this.#buffer.subarray(start, start + length), true));
    }
  }

  /** States that everything has been read. */
  finish(): void {
    if (this.remaining > 0) throw new MalformedAnswerError(`${this.remaining} bytes too many`);
  }

  private uvarint(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < MAX_UVARINT_BYTES; i++) {
      const byte = this.#buffer.readUInt8(this.take(1));
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
    throw new MalformedAnswerError('a variable-length number does not end');
  }

  /** Moves over `length` bytes; where they start. */
  private take(length: number): number {
    const start = this.#position;
    if (length < 0 || length > this.#buffer.length - start) {
      throw new MalformedAnswerError(`${length} bytes wanted at ${start} of ${this.#buffer.length}`);
    }
    this.#position = start + length;
    return start;
  }
}

/** The one element that an answer about one thing must have. */
export function only<T>(items: readonly T[], what: string): T {
  const [first] = items;
  if (first === undefined || items.length > 1)
    throw new MalformedAnswerError(`${items.length} ${what} in the answer`);
  return first;
}
