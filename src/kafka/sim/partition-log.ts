import { readBatchHeader, type BatchHeader } from '../codec/batch-header';
import { ProducerStates } from './producer-state';
import { isCommitMarker } from './record-rewrite';

/** A batch in the log: the very bytes that a Fetch sends. */
export interface LogBatch {
  readonly header: BatchHeader;
  readonly bytes: Buffer;
  readonly segment: number;
}
export interface LogSlice {
  readonly batches: readonly LogBatch[];
  /** Whole batches, the last one perhaps cut off. */
  readonly bytes: Buffer;
}

/**
 * The log of one partition: batches in offset order, cut into segments. Offsets may have holes and batches may be empty,
 * once compaction has been here. Reads begin at a batch, not at an offset, and end at a segment's end, as Kafka's do.
 */
export class PartitionLog {
  producers = new ProducerStates();
  startOffset = 0;
  /** The offset that the next batch gets. */
  endOffset = 0;
  private list: LogBatch[] = [];
  private segment = 0;
  private activeBytes = 0;
  /** Timestamp of the active segment's first batch. */
  private activeSince = 0;

  get batches(): readonly LogBatch[] {
    return this.list;
  }

  /** The segment that is being written; only it is safe from the cleaner. */
  get activeSegment(): number {
    return this.segment;
  }

  /** Appends a batch that has its offsets already. */
  append(bytes: Buffer, limits: { readonly segmentBytes: number; readonly segmentMs: number }): LogBatch {
    const header = readBatchHeader(bytes, 0, bytes.length);
    if (this.mustRoll(header, bytes.length, limits)) this.roll();
    if (this.activeBytes === 0) this.activeSince = header.maxTimestamp;
    this.activeBytes += bytes.length;
    const batch = { header, bytes, segment: this.segment };
    this.list.push(batch);
    this.endOffset = header.lastOffset + 1;
    this.learn(batch);
    return batch;
  }

  /** Begins a new segment, as `segment.ms` or a restart may. */
  roll(): void {
    if (this.activeBytes === 0) return;
    this.segment++;
    this.activeBytes = 0;
  }

  /**
   * What a Fetch from `offset` gets, not beyond `limit`.
   * @param maxBytes cut there, in the middle of a batch too
   * @param atLeastOne the first batch is sent whole, whatever its size (KIP-74)
   */
  read(offset: number, limit: number, maxBytes: number, atLeastOne: boolean): LogSlice {
    const first = this.indexAt(offset);
    const segment = this.list[first]?.segment;
    const found: LogBatch[] = [];
    let size = 0;
    for (let i = first; i < this.list.length; i++) {
      const batch = this.list[i]!;
      if (batch.segment !== segment || batch.header.lastOffset >= limit) break;
      if (size >= maxBytes && !(atLeastOne && i === first)) break;
      found.push(batch);
      size += batch.bytes.length;
    }
    const most = Math.max(maxBytes, atLeastOne ? (found[0]?.bytes.length ?? 0) : 0);
    const bytes = Buffer.concat(found.map((batch) => batch.bytes));
    return { batches: found, bytes: bytes.subarray(0, most) };
  }

  /** Index of the batch that holds `offset`, or of the first one behind it. */
  indexAt(offset: number): number {
    let low = 0;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.list[middle]!.header.lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** A new leader does not have what lies from `offset` on: it never was acknowledged. */
  truncate(offset: number): void {
    if (offset >= this.endOffset) return;
    this.list = this.list.slice(0, this.indexAt(offset));
    this.endOffset = offset;
    const old = this.producers;
    this.producers = new ProducerStates();
    for (const batch of this.list) this.learn(batch);
    this.producers.keepAborted((range) =>
      old.aborted.some((known) => known.firstOffset === range.firstOffset),
    );
  }

  /** Retention and DeleteRecords: whole batches go, an offset in the middle of one only moves the start. */
  deleteBelow(offset: number): void {
    if (offset <= this.startOffset) return;
    this.startOffset = offset;
    this.list = this.list.slice(this.indexAt(offset));
    this.producers.keepAborted(({ lastOffset }) => lastOffset >= offset);
  }

  /** The cleaner's result takes the place of what it read: [0, count) of the batches. */
  replaceHead(count: number, cleaned: readonly LogBatch[]): void {
    this.list = [...cleaned, ...this.list.slice(count)];
  }

  private mustRoll(
    header: BatchHeader,
    size: number,
    { segmentBytes, segmentMs }: { readonly segmentBytes: number; readonly segmentMs: number },
  ): boolean {
    if (this.activeBytes === 0) return false;
    return this.activeBytes + size > segmentBytes || header.maxTimestamp - this.activeSince > segmentMs;
  }

  private learn({ header, bytes }: LogBatch): void {
    if (header.producerId < 0n) return;
    if (!header.control) this.producers.append(header, header.maxTimestamp);
    else if (header.recordCount > 0) this.producers.appendMarker(header, isCommitMarker(bytes));
  }
}
