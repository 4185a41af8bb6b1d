/** What of a producer's identity goes into every batch. Not transactional: producerId -1n, epoch -1, sequence -1. */
export interface BatchProducer {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly transactional: boolean;
}

export type CompressionName = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** An encoded batch that lacks its producer and its CRC: `finishBatch` makes it ready to be sent. */
export interface SealedBatch {
  /** Header of 61 bytes and the records, not compressed. */
  readonly buffer: Buffer;
  readonly recordCount: number;
  /** Milliseconds: of the first record, and the largest. */
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly compression: CompressionName;
}
