import type { BatchHeader } from '../codec/batch-header';
import { KafkaError } from '../protocol/errors';

/** Batches of a producer that a broker can recognise when they come again. */
const REMEMBERED = 5;
const SEQUENCES = 2 ** 31;

interface RememberedBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  readonly timestamp: number;
}
interface ProducerEntry {
  epoch: number;
  batches: RememberedBatch[];
  lastTimestamp: number;
  /** Offset of the open transaction's first batch here; null: none is open. */
  openSince: number | null;
}
/** A transaction that was aborted in this partition. */
export interface AbortedRange {
  readonly producerId: bigint;
  readonly firstOffset: number;
  /** Of the marker. */
  readonly lastOffset: number;
}

/** What a leader says of a batch before it appends it. */
export type SequenceVerdict =
  | { readonly kind: 'new' }
  | { readonly kind: 'duplicate'; readonly baseOffset: number; readonly timestamp: number }
  | { readonly kind: 'refused'; readonly errorCode: number };

/**
 * What a partition's leader knows of producers: epochs and sequences (KIP-98), which transactions are open, and which
 * were aborted. Its order of checks is that of Kafka's ProducerAppendInfo.
 */
export class ProducerStates {
  private readonly producers = new Map<bigint, ProducerEntry>();
  /** Lowest sequence, by producer, that has come before its transaction was verified. */
  private readonly expected = new Map<bigint, { readonly epoch: number; readonly sequence: number }>();
  private abortedRanges: AbortedRange[] = [];
  /** Ended, but not yet replicated: unstable until the high watermark has passed the marker. */
  private ended: { readonly firstOffset: number; readonly lastOffset: number }[] = [];

  get aborted(): readonly AbortedRange[] {
    return this.abortedRanges;
  }

  /** A batch waits for the verification of its transaction: none with a higher sequence may overtake it (KIP-890). */
  expect({ producerId, producerEpoch, baseSequence }: BatchHeader): void {
    const known = this.expected.get(producerId);
    if (known !== undefined && known.epoch === producerEpoch && known.sequence <= baseSequence) return;
    this.expected.set(producerId, { epoch: producerEpoch, sequence: baseSequence });
  }

  check(header: BatchHeader): SequenceVerdict {
    const verdict = this.checkSequence(header);
    if (verdict.kind !== 'new' || header.baseSequence < 0) return verdict;
    const { sequence = Infinity } = this.expected.get(header.producerId) ?? {};
    return header.baseSequence > sequence ? refused(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER) : verdict;
  }

  private checkSequence({
    producerId,
    producerEpoch,
    baseSequence,
    recordCount,
  }: BatchHeader): SequenceVerdict {
    const entry = this.producers.get(producerId);
    if (entry === undefined) return { kind: 'new' };
    if (producerEpoch < entry.epoch) return refused(KafkaError.INVALID_PRODUCER_EPOCH);
    if (baseSequence < 0) return { kind: 'new' };
    if (producerEpoch > entry.epoch)
      return baseSequence === 0 ? { kind: 'new' } : refused(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER);
    const lastSequence = sequenceBehind(baseSequence, recordCount - 1);
    const same = entry.batches.find(
      (batch) => batch.firstSequence === baseSequence && batch.lastSequence === lastSequence,
    );
    if (same !== undefined) return { kind: 'duplicate', ...same };
    const last = entry.batches.at(-1)?.lastSequence ?? -1;
    return baseSequence === sequenceBehind(last, 1)
      ? { kind: 'new' }
      : refused(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER);
  }

  /** A batch is in the log now. */
  append(header: BatchHeader, timestamp: number): void {
    const { producerId, producerEpoch, baseSequence, recordCount, baseOffset, transactional } = header;
    if (producerId < 0n) return;
    this.expected.delete(producerId);
    const entry = this.entry(producerId, producerEpoch);
    entry.lastTimestamp = timestamp;
    if (baseSequence >= 0) {
      entry.batches.push({
        firstSequence: baseSequence,
        lastSequence: sequenceBehind(baseSequence, Math.max(header.lastOffset - baseOffset, recordCount - 1)),
        baseOffset,
        timestamp,
      });
      if (entry.batches.length > REMEMBERED) entry.batches.shift();
    }
    if (transactional && !header.control) entry.openSince ??= baseOffset;
  }

  /** Whether a marker of this epoch would be taken. */
  acceptsMarker(producerId: bigint, producerEpoch: number): boolean {
    return producerEpoch >= (this.producers.get(producerId)?.epoch ?? -1);
  }

  appendMarker(header: BatchHeader, committed: boolean): void {
    const { producerId, producerEpoch, baseOffset, maxTimestamp } = header;
    const entry = this.entry(producerId, producerEpoch);
    entry.lastTimestamp = maxTimestamp;
    if (entry.openSince === null) return;
    const range = { firstOffset: entry.openSince, lastOffset: baseOffset };
    this.ended.push(range);
    if (!committed) this.abortedRanges.push({ producerId, ...range });
    entry.openSince = null;
  }

  epochOf(producerId: bigint): number {
    return this.producers.get(producerId)?.epoch ?? -1;
  }

  hasOpenTransaction(producerId: bigint, producerEpoch: number): boolean {
    const entry = this.producers.get(producerId);
    return entry !== undefined && entry.openSince !== null && entry.epoch === producerEpoch;
  }

  /** The last stable offset: where the first undecided transaction begins, or the high watermark. */
  lastStableOffset(highWatermark: number, logStart: number): number {
    this.ended = this.ended.filter(({ lastOffset }) => lastOffset >= highWatermark);
    let first = highWatermark;
    for (const { openSince } of this.producers.values()) {
      if (openSince !== null) first = Math.min(first, Math.max(openSince, logStart));
    }
    for (const { firstOffset } of this.ended) first = Math.min(first, Math.max(firstOffset, logStart));
    return first;
  }

  /** Aborted transactions that a read of [from, to) must know: in the order of their markers, as brokers send them. */
  abortedIn(from: number, to: number): AbortedRange[] {
    return this.abortedRanges.filter(({ firstOffset, lastOffset }) => lastOffset >= from && firstOffset < to);
  }

  /** After compaction: transactions of which nothing is left are forgotten. */
  keepAborted(keep: (range: AbortedRange) => boolean): void {
    this.abortedRanges = this.abortedRanges.filter(keep);
  }

  /** For each producer that is not forgotten: the offset of its last data batch, or null when only a marker is left. */
  lastBatches(): Map<bigint, { readonly epoch: number; readonly baseOffset: number | null }> {
    const found = new Map<bigint, { readonly epoch: number; readonly baseOffset: number | null }>();
    for (const [producerId, { epoch, batches }] of this.producers)
      found.set(producerId, { epoch, baseOffset: batches.at(-1)?.baseOffset ?? null });
    return found;
  }

  /** Producers that have been silent since before `time` are forgotten (`producer.id.expiration.ms`). */
  expire(time: number): void {
    for (const [producerId, entry] of this.producers) {
      if (entry.openSince === null && entry.lastTimestamp < time) this.producers.delete(producerId);
    }
  }

  private entry(producerId: bigint, epoch: number): ProducerEntry {
    const known = this.producers.get(producerId);
    if (known === undefined) {
      const made = { epoch, batches: [], lastTimestamp: 0, openSince: null };
      this.producers.set(producerId, made);
      return made;
    }
    if (epoch > known.epoch) known.batches = [];
    known.epoch = Math.max(known.epoch, epoch);
    return known;
  }
}

function refused(errorCode: number): SequenceVerdict {
  return { kind: 'refused', errorCode };
}

function sequenceBehind(sequence: number, by: number): number {
  return (sequence + by) % SEQUENCES;
}
