import { isTidemarkError } from '../errors';
import type { ByteWriter } from '../util/byte-writer';
import type { Serde } from './serde';
import { cannotSerialize } from './serialize-error';

/** A serde from two functions, for formats that bring their own encoder (Avro, Protobuf, MessagePack …). */
export interface SerdeFunctions<T> {
  /** Shown by `tidemark explain` and in messages. */
  readonly name: string;
  /** Value to bytes. What it returns is copied at once. */
  readonly serialize: (value: T) => Uint8Array;
  /** Bytes to value. `bytes` is a view that is valid only during the call: copy what is kept of it. */
  readonly deserialize: (bytes: Buffer) => T;
}

class FunctionSerde<T> implements Serde<T> {
  readonly name: string;
  private readonly functions: SerdeFunctions<T>;

  constructor(functions: SerdeFunctions<T>) {
    this.name = functions.name;
    this.functions = functions;
  }

  write(value: T, out: ByteWriter): void {
    let encoded: Uint8Array;
    try {
      encoded = this.functions.serialize(value);
    } catch (cause) {
      if (isTidemarkError(cause)) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw cannotSerialize(`serde ${this.name}`, `serialize() threw: ${why}`, undefined, cause);
    }
    if (!ArrayBuffer.isView(encoded))
      throw cannotSerialize(`serde ${this.name}`, 'serialize() returned no bytes');
    out.bytes(encoded);
  }

  read(bytes: Buffer, start: number, end: number): T {
    return this.functions.deserialize(bytes.subarray(start, end));
  }
}

/**
 * A serde from a pair of functions. Null values (tombstones) never reach it.
 * For the hot path implement {@link Serde} itself: it writes into a shared buffer and allocates nothing.
 */
export function serde<T>(functions: SerdeFunctions<T>): Serde<T> {
  return new FunctionSerde(functions);
}
