import zlib from 'node:zlib';
import type * as NodeZstd from '@toondepauw/node-zstd';
import { loadCodecPackage } from '../../util/codec-package';

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const MAX_BLOCK = 128 * 1024;
/** The Java client's default level. */
const LEVEL = 3;
/** Encoders cut blocks short where that compresses better: the bound from the headers is above the truth then. */
const BOUND_SLACK = 2;

interface ZstdImplementation {
  compress(bytes: Buffer): Buffer;
  decompress(bytes: Buffer, maxBytes: number): Buffer;
}

/** What node:zlib has from Node 22.15 on. */
interface ZlibWithZstd {
  readonly zstdCompressSync?: (bytes: Buffer) => Buffer;
  readonly zstdDecompressSync?: (bytes: Buffer, options: { maxOutputLength: number }) => Buffer;
}

let chosen: ZstdImplementation | undefined;

export function compressZstd(bytes: Buffer): Buffer {
  return (chosen ??= choose()).compress(bytes);
}

export function decompressZstd(bytes: Buffer, maxBytes: number): Buffer {
  const frames = zstdFrames(bytes);
  const bound = frames.reduce((total, frame) => total + frame.bound, 0);
  if (bound > maxBytes * BOUND_SLACK)
    throw new RangeError(`zstd frames of up to ${bound} bytes exceed the limit`);
  const zstd = (chosen ??= choose());
  // One by one: node:zlib stops behind the first frame without a word.
  const parts = frames.map(({ start, end }) => zstd.decompress(bytes.subarray(start, end), maxBytes));
  const content = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  if (content.length > maxBytes)
    throw new RangeError(`zstd frames of ${content.length} bytes exceed the limit`);
  return content;
}

/** Node's own from 22.15 on, a package before. */
function choose(): ZstdImplementation {
  const { zstdCompressSync, zstdDecompressSync } = zlib as ZlibWithZstd;
  if (zstdCompressSync !== undefined && zstdDecompressSync !== undefined) {
    return {
      compress: (bytes) => zstdCompressSync(bytes),
      decompress: (bytes, maxBytes) => zstdDecompressSync(bytes, { maxOutputLength: Math.max(maxBytes, 1) }),
    };
  }
  const { Encoder, Decoder } = loadCodecPackage<typeof NodeZstd>('zstd', '@toondepauw/node-zstd');
  const encoder = new Encoder(LEVEL);
  const decoder = new Decoder();
  return {
    compress: (bytes) => encoder.encodeSync(bytes),
    decompress: (bytes) => decoder.decodeSync(bytes),
  };
}

interface ZstdFrame {
  readonly start: number;
  readonly end: number;
  /** The most bytes that it can decompress to. */
  readonly bound: number;
}

/**
 * The frames in `bytes` and what each can hold at most, from frame and block headers alone (RFC 8878, section 3.1):
 * the Java client's frames do not say their content's size, and a decoder without a limit must not meet a bomb.
 * Throws when the last frame is cut off, which node:zlib would not.
 */
export function zstdFrames(bytes: Buffer): readonly ZstdFrame[] {
  const frames: ZstdFrame[] = [];
  let position = 0;
  while (position < bytes.length) {
    const magic = bytes.readUInt32LE(position);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      position += 8 + bytes.readUInt32LE(position + 4);
      continue;
    }
    if (magic !== MAGIC) throw new Error(`no zstd frame at byte ${position}`);
    const frame = walkFrame(bytes, position);
    frames.push(frame);
    position = frame.end;
  }
  return frames;
}

function walkFrame(bytes: Buffer, start: number): ZstdFrame {
  const descriptor = bytes.readUInt8(start + 4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionaryIdSize = [0, 1, 2, 4][descriptor & 3]!;
  const contentSizeSize = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  let position = start + (singleSegment ? 5 : 6) + dictionaryIdSize;
  const declared = contentSize(bytes, position, contentSizeSize);
  position += contentSizeSize;
  let bound = 0;
  for (let last = false; !last;) {
    const header = bytes.readUIntLE(position, 3);
    const size = header >>> 3;
    const type = (header >>> 1) & 3;
    last = (header & 1) !== 0;
    // 0 stored, 1 one byte repeated, 2 compressed
    bound += type === 2 ? MAX_BLOCK : size;
    position += 3 + (type === 1 ? 1 : size);
  }
  const end = position + ((descriptor & 4) !== 0 ? 4 : 0);
  if (end > bytes.length) throw new Error(`the zstd frame at byte ${start} is cut off`);
  return { start, end, bound: Math.max(bound, declared) };
}

function contentSize(bytes: Buffer, position: number, size: number): number {
  if (size === 0) return 0;
  if (size === 8) return Number(bytes.readBigUInt64LE(position));
  return bytes.readUIntLE(position, size) + (size === 2 ? 256 : 0);
}
