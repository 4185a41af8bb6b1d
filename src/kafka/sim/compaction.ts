import type { LogBatch } from './partition-log';
import type { Partition } from './partition';
import { readBatchHeader } from '../codec/batch-header';
import { DELETE_HORIZON, isCommitMarker, recordsOf, rewriteBatch, type RawLogRecord } from './record-rewrite';

/** What a first pass over the log finds out. */
interface Survey {
  /** Offset of the last record of each key. */
  readonly latest: ReadonlyMap<string, number>;
  /** Batches of aborted transactions, by index. */
  readonly aborted: ReadonlySet<number>;
  /** Markers whose transaction has no batch left, by index. */
  readonly emptyMarkers: ReadonlySet<number>;
}

/**
 * One round of the log cleaner, as Kafka's Cleaner: of each key the last record stays; records of aborted transactions
 * go; tombstones, and markers of transactions of which nothing is left, get a delete horizon at first and go when it has
 * passed (KIP-534). What is left of a batch keeps its offsets. The last batch of each producer stays, empty if need be,
 * for its sequence number; so does the last batch of all. The active segment and what is undecided are not touched.
 */
export function compact(partition: Partition, now: number): void {
  const { log, config } = partition;
  if (!config.compacted) return;
  const stable = partition.lastStableOffset;
  const end = log.batches.findIndex(
    ({ segment, header }) => segment === log.activeSegment || header.lastOffset >= stable,
  );
  const head = log.batches.slice(0, end < 0 ? log.batches.length : end);
  if (head.length === 0) return;
  const survey = surveyOf(head);
  const lastOfProducer = log.producers.lastBatches();
  const cleaned = head.flatMap((batch, index): LogBatch[] => {
    const kept = clean(batch, index, survey, now, config.deleteRetentionMs);
    if (kept !== null && kept.header.recordCount > 0) return [kept];
    const { producerId, baseOffset, producerEpoch, control } = batch.header;
    const last = lastOfProducer.get(producerId);
    const isLast =
      last !== undefined &&
      (last.baseOffset === null ? control && last.epoch === producerEpoch : last.baseOffset === baseOffset);
    return isLast || index === head.length - 1 ? [kept ?? emptied(batch)] : [];
  });
  log.replaceHead(head.length, cleaned);
  const markers = new Set(
    cleaned.filter(({ header }) => header.control).map(({ header }) => header.baseOffset),
  );
  log.producers.keepAborted(({ lastOffset }) => lastOffset >= stable || markers.has(lastOffset));
}

function surveyOf(head: readonly LogBatch[]): Survey {
  const latest = new Map<string, number>();
  const aborted = new Set<number>();
  const emptyMarkers = new Set<number>();
  const open = new Map<bigint, number[]>();
  for (const [index, { header, bytes }] of head.entries()) {
    const { producerId, transactional, control, recordCount } = header;
    if (control) {
      const touched = open.get(producerId) ?? [];
      open.delete(producerId);
      if (touched.length === 0) emptyMarkers.add(index);
      else if (recordCount > 0 && !isCommitMarker(bytes)) for (const batch of touched) aborted.add(batch);
    } else if (transactional) open.set(producerId, [...(open.get(producerId) ?? []), index]);
  }
  for (const [index, { header, bytes }] of head.entries()) {
    if (header.control || aborted.has(index)) continue;
    for (const { key, offset } of recordsOf(bytes)) {
      if (key !== null) latest.set(key.toString('latin1'), offset);
    }
  }
  return { latest, aborted, emptyMarkers };
}

/** The batch as it stays; null: all of it goes. */
function clean(
  batch: LogBatch,
  index: number,
  { latest, aborted, emptyMarkers }: Survey,
  now: number,
  deleteRetentionMs: number,
): LogBatch | null {
  if (aborted.has(index)) return null;
  const horizon = horizonOf(batch);
  const isOver = horizon !== null && horizon <= now;
  if (batch.header.control) {
    if (!emptyMarkers.has(index)) return batch;
    if (isOver) return null;
    return horizon === null ? rewritten(batch, recordsOf(batch.bytes), now + deleteRetentionMs) : batch;
  }
  const records = recordsOf(batch.bytes);
  const kept = records.filter(
    ({ key, value, offset }) =>
      key !== null && latest.get(key.toString('latin1')) === offset && !(value === null && isOver),
  );
  const hasTombstones = kept.some(({ value }) => value === null);
  const sets = hasTombstones && horizon === null;
  if (kept.length === records.length && !sets) return batch;
  return rewritten(batch, kept, sets ? now + deleteRetentionMs : horizon);
}

/** When what waits in the batch may go; null: nothing waits. */
function horizonOf({ header }: LogBatch): number | null {
  return (header.attributes & DELETE_HORIZON) === 0 ? null : header.baseTimestamp;
}

function rewritten(batch: LogBatch, kept: readonly RawLogRecord[], horizon: number | null): LogBatch {
  const bytes = rewriteBatch(batch.bytes, kept, horizon);
  return { header: readBatchHeader(bytes, 0, bytes.length), bytes, segment: batch.segment };
}

function emptied(batch: LogBatch): LogBatch {
  return rewritten(batch, [], horizonOf(batch));
}

/** Old segments go, oldest first, as far as they are replicated. */
export function enforceRetention(partition: Partition, now: number): void {
  const { log, config, highWatermark } = partition;
  if (!config.deletesOld) return;
  const total = log.batches.reduce((sum, { bytes }) => sum + bytes.length, 0);
  let excess = config.retentionBytes < 0 ? -1 : total - config.retentionBytes;
  let start = log.startOffset;
  for (const segment of segmentsOf(log.batches)) {
    const end = segment.at(-1)!.header.lastOffset + 1;
    const size = segment.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const newest = Math.max(...segment.map(({ header }) => header.maxTimestamp));
    const isOld = config.retentionMs >= 0 && now - newest > config.retentionMs;
    if (end > highWatermark || !(isOld || excess >= size)) break;
    excess -= size;
    start = end;
  }
  if (start > log.startOffset) {
    if (start >= log.endOffset) log.roll();
    partition.deleteBelow(start);
  }
}

function segmentsOf(batches: readonly LogBatch[]): LogBatch[][] {
  const segments: LogBatch[][] = [];
  let current = -1;
  for (const batch of batches) {
    if (batch.segment !== current) segments.push([]);
    current = batch.segment;
    segments.at(-1)!.push(batch);
  }
  return segments;
}
