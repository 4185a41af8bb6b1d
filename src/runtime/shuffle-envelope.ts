import type { Serde } from '../serde/serde';
import type { ByteWriter } from '../util/byte-writer';

/**
 * What a value in a shuffle topic looks like (PROTOCOL D4: every shuffle record names its upstream task):
 *
 * ```
 * kind, u8 | ordinal of the upstream stage, uvarint | its partition, uvarint | the value
 * ```
 * A reader refuses a kind that it does not know.
 */
export const SHUFFLE_DATA = 0;
/** Data whose value is null: null never reaches a serde. */
export const SHUFFLE_NULL = 1;

/** A value serde that puts the envelope in front. Values are only read through {@link envelopeEnd}. */
export function envelopeSerde(
  inner: Serde<unknown>,
  stageOrdinal: number,
  partition: number,
): Serde<unknown> {
  return {
    name: `shuffle(${inner.name})`,
    write(value: unknown, out: ByteWriter): void {
      const empty = value === null || value === undefined;
      out.u8(empty ? SHUFFLE_NULL : SHUFFLE_DATA);
      out.uvarint(stageOrdinal);
      out.uvarint(partition);
      if (!empty) inner.write(value, out);
    },
    read(bytes: Buffer, start: number, end: number): unknown {
      const at = envelopeEnd(bytes, start);
      return at === NULL_VALUE ? null : inner.read(bytes, at, end);
    },
  };
}

export const NULL_VALUE = -1;
export const UNKNOWN_KIND = -2;

/** Where the value begins; NULL_VALUE, or UNKNOWN_KIND when a newer program wrote it. */
export function envelopeEnd(bytes: Buffer, start: number): number {
  const kind = bytes[start];
  if (kind === SHUFFLE_NULL) return NULL_VALUE;
  if (kind !== SHUFFLE_DATA) return UNKNOWN_KIND;
  return skipVarint(bytes, skipVarint(bytes, start + 1));
}

function skipVarint(bytes: Buffer, start: number): number {
  let at = start;
  while (((bytes[at] ?? 0) & 0x80) !== 0) at++;
  return at + 1;
}
