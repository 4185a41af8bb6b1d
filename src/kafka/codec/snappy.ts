import type * as Snappy from 'snappy';
import { loadCodecPackage } from '../../util/codec-package';

/** Framing of snappy-java's SnappyOutputStream, which Kafka's Java client uses: magic, version 1, compatible with 1. */
const XERIAL_HEADER = Buffer.from('82534e4150505900' + '00000001' + '00000001', 'hex');
const XERIAL_MAGIC = XERIAL_HEADER.subarray(0, 8);
const XERIAL_BLOCK = 32 * 1024;

let loaded: typeof Snappy | undefined;

function snappy(): typeof Snappy {
  return (loaded ??= loadCodecPackage<typeof Snappy>('snappy', 'snappy'));
}

/** Header, then per 32 KiB of input: int32 length and a raw Snappy block. */
export function compressSnappy(bytes: Buffer): Buffer {
  const parts: Buffer[] = [XERIAL_HEADER];
  for (let start = 0; start < bytes.length; start += XERIAL_BLOCK) {
    const block = snappy().compressSync(bytes.subarray(start, start + XERIAL_BLOCK));
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

/** Reads snappy-java's framing, and one raw Snappy block as other clients write it. */
export function decompressSnappy(bytes: Buffer, maxBytes: number): Buffer {
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return rawBlock(bytes, maxBytes);
  const parts: Buffer[] = [];
  let total = 0;
  let position = XERIAL_HEADER.length;
  while (position < bytes.length) {
    const start = position + 4;
    const end = start <= bytes.length ? start + bytes.readInt32BE(position) : -1;
    if (end <= start || end > bytes.length) throw new Error(`a snappy block is cut off at byte ${position}`);
    const part = rawBlock(bytes.subarray(start, end), maxBytes - total);
    parts.push(part);
    total += part.length;
    position = end;
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, total);
}

function rawBlock(block: Buffer, maxBytes: number): Buffer {
  const length = declaredLength(block);
  if (length > maxBytes) throw new RangeError(`a snappy block of ${length} bytes exceeds the limit`);
  return snappy().uncompressSync(block, { asBuffer: true }) as Buffer;
}

/** A raw block begins with the length of its content, an unsigned varint (Snappy format description, section 1). */
function declaredLength(block: Buffer): number {
  let length = 0;
  for (let index = 0; index < 5 && index < block.length; index++) {
    const byte = block[index]!;
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return length;
  }
  throw new Error('a snappy block has no length');
}
