import { crc32c } from '../../util/crc32c';

/** In front of every value of a state key or a commit record: CRC-32C of key and value, little-endian. */
const CHECKSUM_BYTES = 4;

/**
 * Puts the checksum in front of values. LevelDB's own checksums are not compared when a block is read, and its
 * compaction would give a damaged value a new and valid one.
 */
export class ValueSealer {
  private scratch = Buffer.allocUnsafe(1024);

  /** The bytes to store; valid until the next call. */
  seal(key: Buffer, value: Buffer): Buffer {
    const length = CHECKSUM_BYTES + value.length;
    if (length > this.scratch.length) this.scratch = Buffer.allocUnsafe(2 * length);
    this.scratch.writeUInt32LE(checksum(key, value, 0), 0);
    value.copy(this.scratch, CHECKSUM_BYTES);
    return this.scratch.subarray(0, length);
  }
}

/** The value without its checksum, a view. @throws {Error} when they do not belong together */
export function openValue(key: Buffer, stored: Buffer): Buffer {
  const sound =
    stored.length >= CHECKSUM_BYTES && stored.readUInt32LE(0) === checksum(key, stored, CHECKSUM_BYTES);
  if (!sound) throw new Error(`the checksum of the value under ${key.toString('hex')} does not match`);
  return stored.subarray(CHECKSUM_BYTES);
}

function checksum(key: Buffer, value: Buffer, from: number): number {
  return crc32c(value, from, value.length, crc32c(key));
}
