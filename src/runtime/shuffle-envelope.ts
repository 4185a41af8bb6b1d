import type { Serde } from '../serde/serde';
import type { ByteWriter } from '../util/byte-writer';

/**
 * What a value in a shuffle topic looks like (PROTOCOL D4: every shuffle record names its upstream task):
 *
 * ```
 * kind, u8 | ordinal of the upstream stage, uvarint | its partition, uvarint | the value
 * ```
 * Only kind 0, data, exists so far; a reader refuses what it does not know.
 */
export const SHUFFLE_DATA = 0;

/** A value serde that puts the envelope in front. */
export function envelopeSerde(inner: Serde<unknown>, stageOrdinal: number, partition: number): Serde<unknown> {
  return {
    name: `shuffle(${inner.name})`,
    write(value: unknown, out: ByteWriter): void {
      out.u8(SHUFFLE_DATA);
      out.uvarint(stageOrdinal);
      out.uvarint(partition);
      inner.write(value, out);
    },
    read(bytes: Buffer, start: number, end: number): unknown {
      return inner.read(bytes, envelopeEnd(bytes, start), end);
    },
  };
}

/** Where the value begins, or -1 when the kind is unknown. */
export function envelopeEnd(bytes: Buffer, start: number): number {
  if (bytes[start] !== SHUFFLE_DATA) return -1;
  return skipVarint(bytes, skipVarint(bytes, start + 1));
}

function skipVarint(bytes: Buffer, start: number): number {
  let at = start;
  while (((bytes[at] ?? 0) & 0x80) !== 0) at++;
  return at + 1;
}
