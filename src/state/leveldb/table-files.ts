import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type * as Snappy from 'snappy';
import { loadCodecPackage } from '../../util/codec-package';
import { crc32c } from '../../util/crc32c';

/** Two block handles, padded to 40 bytes, and the magic number (LevelDB, `doc/table_format`). */
const FOOTER_BYTES = 48;
const MAGIC = 0xdb4775248b80fb57n;
/** Behind every block: a byte that names its compression, and a masked CRC-32C over block and byte. */
const TRAILER_BYTES = 5;
const SNAPPY = 1;
/** `util/crc32c.h`: checksums that are stored beside their data are rotated and offset. */
const CRC_MASK_DELTA = 0xa282ead8;
/** Files are read in pieces of about this size: long enough to be fast, short enough for the heartbeats beside it. */
const PIECE_BYTES = 1024 * 1024;

interface BlockHandle {
  readonly offset: number;
  readonly size: number;
}

/**
 * Compares the checksums of all blocks of all table files in a store's folder. LevelDB does not when it reads (the
 * binding has no option for it), so a bit that a disk flipped would come back as a wrong value or hide a key.
 * A file without a footer is passed over: it was being written when the process died and belongs to no version, or
 * LevelDB itself refuses it. Reads every byte once, yields between pieces.
 * @returns what is damaged, in one line; null when nothing is
 */
export async function damagedTable(folder: string): Promise<string | null> {
  for (const name of (await readdir(folder)).sort()) {
    if (!/\.(ldb|sst)$/.test(name)) continue;
    const file = await open(join(folder, name), 'r');
    try {
      const problem = await damageOf(file);
      if (problem !== null) return `table file ${name}: ${problem}`;
    } finally {
      await file.close();
    }
  }
  return null;
}

async function damageOf(file: FileHandle): Promise<string | null> {
  const { size } = await file.stat();
  if (size < FOOTER_BYTES) return null;
  const footer = await readAt(file, size - FOOTER_BYTES, FOOTER_BYTES);
  if (footer.readBigUInt64LE(FOOTER_BYTES - 8) !== MAGIC) return null;
  const handles = new HandleReader(footer);
  const metaIndex = handles.next();
  const index = handles.next();
  const ends = index.offset + index.size + TRAILER_BYTES;
  if (metaIndex.offset + metaIndex.size + TRAILER_BYTES !== index.offset || ends !== size - FOOTER_BYTES) {
    return 'its footer points nowhere';
  }
  const [data, filters] = [await handlesIn(file, index), await handlesIn(file, metaIndex)];
  if (data === null || filters === null) return 'its index is damaged';
  return damagedBlock(file, [...data, ...filters, metaIndex]);
}

/** What a block of handles points to; null when it is damaged. */
async function handlesIn(file: FileHandle, { offset, size }: BlockHandle): Promise<BlockHandle[] | null> {
  const block = await readAt(file, offset, size + TRAILER_BYTES);
  return isSound(block, 0, size) ? parseHandles(block, size) : null;
}

/** Blocks lie one behind the other from the start of the file: data, filters, index of the filters. */
async function damagedBlock(file: FileHandle, blocks: readonly BlockHandle[]): Promise<string | null> {
  let expected = 0;
  for (let first = 0; first < blocks.length;) {
    const start = blocks[first]!.offset;
    let last = first;
    while (last + 1 < blocks.length && endOf(blocks[last + 1]!) - start <= PIECE_BYTES) last++;
    const piece = await readAt(file, start, endOf(blocks[last]!) - start);
    for (const block of blocks.slice(first, last + 1)) {
      if (block.offset !== expected) return `a gap at byte ${expected}`;
      if (!isSound(piece, block.offset - start, block.size)) return `checksum at byte ${block.offset}`;
      expected = endOf(block);
    }
    first = last + 1;
  }
  return null;
}

function endOf({ offset, size }: BlockHandle): number {
  return offset + size + TRAILER_BYTES;
}

function isSound(bytes: Buffer, at: number, size: number): boolean {
  if (at + size + TRAILER_BYTES > bytes.length) return false;
  const rotated = (bytes.readUInt32LE(at + size + 1) - CRC_MASK_DELTA) >>> 0;
  return crc32c(bytes, at, at + size + 1) === ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

/** The values of an index block: a handle for each block, in order; keys are not looked at. Null: malformed. */
function parseHandles(block: Buffer, size: number): BlockHandle[] | null {
  try {
    const content = block[size] === SNAPPY ? inflate(block.subarray(0, size)) : block.subarray(0, size);
    const entriesEnd = content.length - 4 - 4 * content.readUInt32LE(content.length - 4);
    const reader = new HandleReader(content);
    const handles: BlockHandle[] = [];
    while (reader.position < entriesEnd) {
      reader.varint();
      const keyBytes = reader.varint();
      const valueBytes = reader.varint();
      const valueStart = (reader.position += keyBytes);
      handles.push(reader.next());
      if (reader.position !== valueStart + valueBytes) return null;
    }
    return handles;
  } catch {
    return null;
  }
}

function inflate(bytes: Buffer): Buffer {
  const snappy = loadCodecPackage<typeof Snappy>('snappy', 'snappy');
  return snappy.uncompressSync(bytes, { asBuffer: true }) as Buffer;
}

class HandleReader {
  position = 0;
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  next(): BlockHandle {
    return { offset: this.varint(), size: this.varint() };
  }

  /** @throws {RangeError} beyond the end */
  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.bytes.readUInt8(this.position++);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(buffer, 0, length, offset);
  return buffer.subarray(0, bytesRead);
}
