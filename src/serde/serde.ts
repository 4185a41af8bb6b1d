import type { ByteWriter } from '../util/byte-writer';

/**
 * Turns values into bytes and back, without allocating in between.
 * `write` appends to a shared writer; `read` must not keep `bytes` (copy what is kept): it is a view of a fetch.
 * Both may throw anything: the runtime applies the bad-input policy. A null value never reaches a serde (tombstone).
 */
export interface Serde<T> {
  readonly name: string;
  write(value: T, out: ByteWriter): void;
  read(bytes: Buffer, start: number, end: number): T;
}
