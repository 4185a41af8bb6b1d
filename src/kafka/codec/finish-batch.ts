import { ATTRIBUTE, BATCH_OVERHEAD, LAYOUT, LOG_OVERHEAD, compressionId } from './batch-header';
import { compress, type Compressor } from './compression';
import { crc32c } from '../../util/crc32c';
import type { BatchProducer, SealedBatch } from './types';

/**
 * Completes a sealed batch: producer, attributes, compression, CRC. What it returns is ready for a Produce request:
 * the sealed buffer itself when nothing is compressed, else a new one. Records that compression would make longer
 * go out as they are, so that no batch exceeds the builder's limit. May be called again with another producer.
 * @throws {TidemarkError} TM2007 when the codec's package is not installed
 */
export function finishBatch(batch: SealedBatch, producer: BatchProducer): Buffer {
  const packed = batch.compression === 'none' ? null : compressRecords(batch, batch.compression);
  const buffer = packed ?? batch.buffer;
  const attributes =
    (packed === null ? 0 : compressionId(batch.compression)) |
    (producer.transactional ? ATTRIBUTE.TRANSACTIONAL : 0);
  buffer.writeInt16BE(attributes, LAYOUT.ATTRIBUTES);
  buffer.writeBigInt64BE(producer.producerId, LAYOUT.PRODUCER_ID);
  buffer.writeInt16BE(producer.producerEpoch, LAYOUT.PRODUCER_EPOCH);
  buffer.writeInt32BE(producer.baseSequence, LAYOUT.BASE_SEQUENCE);
  buffer.writeUInt32BE(crc32c(buffer, LAYOUT.ATTRIBUTES, buffer.length), LAYOUT.CRC);
  return buffer;
}

/** A copy with compressed records, or null when that would not be smaller. */
function compressRecords(batch: SealedBatch, codec: Compressor): Buffer | null {
  const records = compress(codec, batch.buffer.subarray(BATCH_OVERHEAD));
  const length = BATCH_OVERHEAD + records.length;
  if (length >= batch.buffer.length) return null;
  const buffer = Buffer.allocUnsafeSlow(length);
  buffer.set(batch.buffer.subarray(0, BATCH_OVERHEAD));
  buffer.set(records, BATCH_OVERHEAD);
  buffer.writeInt32BE(length - LOG_OVERHEAD, LAYOUT.BATCH_LENGTH);
  return buffer;
}
