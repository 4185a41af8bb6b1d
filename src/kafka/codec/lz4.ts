import type * as Lz4 from 'lz4-napi';
import { loadCodecPackage } from '../../util/codec-package';

/**
 * LZ4 frames (LZ4 Frame Format 1.6.x) around the package's block functions: so the size of the output is known to
 * be bounded before it is made, and blocks are 64 KiB as the Java client writes them.
 */
const MAGIC = 0x184d2204;
const SKIPPABLE_MAGIC = 0x184d2a50;
/** Version 1, independent blocks, no checksums, no content size; 64 KiB blocks; header checksum. */
const FRAME_HEADER = Buffer.from('04224d18' + '60' + '40' + '82', 'hex');
const BLOCK = 64 * 1024;
const STORED = 0x8000_0000;
const HISTORY = 64 * 1024;
const FLAG = {
  INDEPENDENT: 0x20,
  BLOCK_CHECKSUM: 0x10,
  CONTENT_SIZE: 0x08,
  CONTENT_CHECKSUM: 0x04,
  DICTIONARY: 0x01,
};
let loaded: typeof Lz4 | undefined;

function lz4(): typeof Lz4 {
  return (loaded ??= loadCodecPackage<typeof Lz4>('lz4', 'lz4-napi'));
}

export function compressLz4(bytes: Buffer): Buffer {
  const parts: Buffer[] = [FRAME_HEADER];
  for (let start = 0; start < bytes.length; start += BLOCK) {
    const content = bytes.subarray(start, start + BLOCK);
    const packed = lz4().compressSync(content);
    // The package puts the content's length in front, in the four bytes that a frame has the block's length in.
    if (packed.length - 4 < content.length) {
      packed.writeUInt32LE(packed.length - 4, 0);
      parts.push(packed);
    } else {
      parts.push(uint32(STORED + content.length), content);
    }
  }
  parts.push(uint32(0));
  return Buffer.concat(parts);
}

/** Reads one frame or several. Checksums are passed over: the batch's CRC covers the same bytes. */
export function decompressLz4(bytes: Buffer, maxBytes: number): Buffer {
  const parts: Buffer[] = [];
  let total = 0;
  let position = 0;
  while (position < bytes.length) {
    const magic = bytes.readUInt32LE(position);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      position += 8 + bytes.readUInt32LE(position + 4);
      continue;
    }
    if (magic !== MAGIC) throw new Error(`no lz4 frame at byte ${position}`);
    const frame = new FrameReader(bytes, position + 4, maxBytes - total);
    for (let part = frame.next(); part !== null; part = frame.next()) {
      parts.push(part);
      total += part.length;
    }
    position = frame.position;
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, total);
}

class FrameReader {
  position: number;
  private readonly bytes: Buffer;
  private readonly flags: number;
  private readonly maxBlock: number;
  private left: number;
  private history: Buffer = Buffer.alloc(0);

  /** `position`: behind the magic number. */
  constructor(bytes: Buffer, position: number, maxBytes: number) {
    this.bytes = bytes;
    this.flags = bytes.readUInt8(position);
    const sizeCode = (bytes.readUInt8(position + 1) >> 4) & 7;
    if (this.flags >> 6 !== 1 || sizeCode < 4) throw new Error('unknown version of the lz4 frame format');
    if (this.has(FLAG.DICTIONARY)) throw new Error('an lz4 frame needs a dictionary');
    // 4 is 64 KiB, 7 is 4 MiB
    this.maxBlock = 1 << (8 + 2 * sizeCode);
    this.left = maxBytes;
    this.position = position + 3 + (this.has(FLAG.CONTENT_SIZE) ? 8 : 0);
  }

  /** The content of the next block; null behind the last. */
  next(): Buffer | null {
    const size = this.bytes.readUInt32LE(this.position);
    this.position += 4;
    if (size === 0) {
      if (this.has(FLAG.CONTENT_CHECKSUM)) this.position += 4;
      return null;
    }
    const stored = size >= STORED;
    const end = this.position + (stored ? size - STORED : size);
    if (end > this.bytes.length) throw new Error(`an lz4 block is cut off at byte ${this.position}`);
    const block = this.bytes.subarray(this.position, end);
    const content = stored ? block : this.unpack(block);
    this.position = end + (this.has(FLAG.BLOCK_CHECKSUM) ? 4 : 0);
    this.left -= content.length;
    if (this.left < 0) throw new RangeError('an lz4 frame exceeds the limit');
    if (!this.has(FLAG.INDEPENDENT)) this.remember(content);
    return content;
  }

  private unpack(block: Buffer): Buffer {
    const prefixed = Buffer.allocUnsafe(block.length + 4);
    prefixed.writeUInt32LE(this.maxBlock, 0);
    prefixed.set(block, 4);
    return lz4().uncompressSync(prefixed, this.history.length === 0 ? undefined : this.history);
  }

  /** Linked blocks refer to up to 64 KiB before them. */
  private remember(content: Buffer): void {
    this.history =
      content.length >= HISTORY
        ? content.subarray(content.length - HISTORY)
        : Buffer.concat([this.history, content]).subarray(-HISTORY);
  }

  private has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
