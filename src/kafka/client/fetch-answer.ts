import { TidemarkError } from '../../errors';
import type { FetchedPartition } from '../port';
import { walkBatches } from './batch-walk';
import type { FetchAssignment, FetchedChunk } from './fetch-assignment';
import type { FetchLimits } from './fetcher-options';

/** What one partition's part of an answer holds. */
export type Taken =
  | { readonly kind: 'chunk'; readonly chunk: FetchedChunk }
  | { readonly kind: 'nothing' }
  /** Not one whole batch fitted: `assignment.maxBytes` has been raised for the next request. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'unusable'; readonly error: TidemarkError };

/**
 * Turns the records of a good answer into a chunk.
 * @param answerBytes record bytes of the whole answer that this part is a view of
 * @throws {TidemarkError} TM2006 for a damaged header or a batch above `maxBatchBytes`
 */
export function takeRecords(
  assignment: FetchAssignment,
  part: FetchedPartition,
  limits: FetchLimits,
  answerBytes: number,
): Taken {
  const { records } = part;
  if (records === null || records.length === 0) return { kind: 'nothing' };
  const { wholeBytes, nextOffset, firstBatchBytes } = walkBatches(records, assignment.where());
  if (wholeBytes === 0) {
    assignment.maxBytes = enoughFor(assignment, firstBatchBytes, limits.maxBatchBytes);
    return { kind: 'cut' };
  }
  if (nextOffset <= assignment.fetchPosition) return { kind: 'unusable', error: onlyOlder(assignment) };
  assignment.maxBytes = limits.maxPartitionBytes;
  const whole = records.subarray(0, wholeBytes);
  return { kind: 'chunk', chunk: toChunk(assignment, part, ownOrView(whole, answerBytes), nextOffset) };
}

/**
 * A view keeps the whole answer alive: a small part of a large answer is copied, so that what is counted as buffered
 * is at least half of what is held.
 */
function ownOrView(records: Buffer, answerBytes: number): Buffer {
  return records.length * 2 < answerBytes ? Buffer.from(records) : records;
}

function toChunk(
  { topic, partition, fetchPosition: fetchOffset }: FetchAssignment,
  { abortedTransactions, highWatermark, lastStableOffset }: FetchedPartition,
  records: Buffer,
  nextOffset: number,
): FetchedChunk {
  return {
    topic,
    partition,
    records,
    fetchOffset,
    nextOffset,
    abortedTransactions,
    highWatermark: Number(highWatermark),
    lastStableOffset: Number(lastStableOffset),
  };
}

/** @throws {TidemarkError} TM2006 when it would be more than `limit` bytes */
function enoughFor(assignment: FetchAssignment, batchBytes: number, limit: number): number {
  const wanted = batchBytes > 0 ? batchBytes : assignment.maxBytes * 2;
  if (wanted <= limit) return Math.max(assignment.maxBytes, wanted);
  throw new TidemarkError(
    'TM2006',
    'stop',
    `a record batch of at least ${wanted} bytes is larger than this client reads`,
    {
      where: assignment.where(),
      hint: `batches of up to ${limit} bytes are read; lower max.message.bytes of the topic`,
    },
  );
}

function onlyOlder(assignment: FetchAssignment): TidemarkError {
  return new TidemarkError(
    'TM2002',
    'retry',
    'Fetch was answered with batches below the offset that was asked for',
    {
      where: assignment.where(),
    },
  );
}
