import { ByteWriter } from '../util/byte-writer';

/**
 * The encoded changes of one epoch of one task: changelog keys and values in one arena, so that a hundred thousand
 * changed keys are a handful of objects. Each key occurs once when it comes from a dirty layer.
 */
export class EncodedChanges {
  private readonly arena = new ByteWriter(4096);
  /** Four numbers a change: key start, key end, value start, value end; value -1, -1 is a deletion. */
  private readonly spans: number[] = [];

  get count(): number {
    return this.spans.length / 4;
  }

  get byteLength(): number {
    return this.arena.position;
  }

  /** The writer for the next key and value; close each change with {@link seal}. */
  get out(): ByteWriter {
    return this.arena;
  }

  /** Ends a change whose key began at `keyStart` and whose value, if any, at `valueStart` (-1: deletion). */
  seal(keyStart: number, keyEnd: number, valueStart: number): void {
    this.spans.push(keyStart, keyEnd, valueStart, valueStart < 0 ? -1 : this.arena.position);
  }

  /** Forgets everything written after `position` bytes: for a value that failed to serialize. */
  rewind(position: number): void {
    this.arena.position = position;
  }

  /** Adds a change from bytes of elsewhere; `value` null deletes. */
  add(key: Uint8Array, value: Uint8Array | null): void {
    const keyStart = this.arena.position;
    this.arena.bytes(key);
    const keyEnd = this.arena.position;
    if (value === null) return this.seal(keyStart, keyEnd, -1);
    this.arena.bytes(value);
    this.seal(keyStart, keyEnd, keyEnd);
  }

  get bytes(): Buffer {
    return this.arena.buffer;
  }

  keyStart(index: number): number {
    return this.spans[index * 4] as number;
  }
  keyEnd(index: number): number {
    return this.spans[index * 4 + 1] as number;
  }
  valueStart(index: number): number {
    return this.spans[index * 4 + 2] as number;
  }
  valueEnd(index: number): number {
    return this.spans[index * 4 + 3] as number;
  }

  /** A view of the key: valid while this object lives. */
  key(index: number): Buffer {
    return this.arena.buffer.subarray(this.keyStart(index), this.keyEnd(index));
  }

  /** A view of the value; null: deletion. */
  value(index: number): Buffer | null {
    const start = this.valueStart(index);
    return start < 0 ? null : this.arena.buffer.subarray(start, this.valueEnd(index));
  }
}
