import zlib from 'node:zlib';
import { isTidemarkError } from '../../errors';
import { damagedBatch } from './batch-header';
import { compressLz4, decompressLz4 } from './lz4';
import { compressSnappy, decompressSnappy } from './snappy';
import { compressZstd, decompressZstd } from './zstd';
import type { CompressionName } from './types';

/** A codec that changes bytes. */
export type Compressor = Exclude<CompressionName, 'none'>;

/** What a batch may grow to when it is read: far above any broker's message.max.bytes, far below a process's memory. */
export const DEFAULT_MAX_DECOMPRESSED_BYTES = 128 * 1024 * 1024;

interface Codec {
  compress(bytes: Buffer): Buffer;
  /** Throws anything when `bytes` is malformed or holds more than `maxBytes`. */
  decompress(bytes: Buffer, maxBytes: number): Buffer;
}

const CODECS: Readonly<Record<Compressor, Codec>> = {
  gzip: {
    compress: (bytes) => zlib.gzipSync(bytes),
    decompress: (bytes, maxBytes) => zlib.gunzipSync(bytes, { maxOutputLength: Math.max(maxBytes, 1) }),
  },
  snappy: { compress: compressSnappy, decompress: decompressSnappy },
  lz4: { compress: compressLz4, decompress: decompressLz4 },
  zstd: { compress: compressZstd, decompress: decompressZstd },
};

/**
 * Compresses the records of a batch in the format that Kafka's Java client writes and reads. Synchronous.
 * @throws {TidemarkError} TM2007 when the codec's package is not installed
 */
export function compress(codec: Compressor, bytes: Buffer): Buffer {
  return CODECS[codec].compress(bytes);
}

/**
 * Decompresses the records of a batch. Synchronous; the answer is a new buffer of at most `maxBytes`.
 * @param where names the batch in error messages
 * @throws {TidemarkError} TM2006 when the bytes are damaged or hold more than `maxBytes`;
 *   TM2007 when the codec's package is not installed
 */
export function decompress(
  codec: Compressor,
  bytes: Buffer,
  where: string,
  maxBytes = DEFAULT_MAX_DECOMPRESSED_BYTES,
): Buffer {
  try {
    return CODECS[codec].decompress(bytes, maxBytes);
  } catch (cause) {
    if (isTidemarkError(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw damagedBatch(
      `${codec} data cannot be decompressed to at most ${maxBytes} bytes: ${reason}`,
      where,
      cause,
    );
  }
}
