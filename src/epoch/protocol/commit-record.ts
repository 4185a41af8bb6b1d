/**
 * The commit record (PROTOCOL A3): the last record that a task writes to its changelog partition in an epoch, inside
 * the epoch's transaction. It is the truth about the task; the group's offsets mirror it for the ordinary tools.
 */
export interface CommitRecord {
  /** `stage/partition`. */
  readonly task: string;
  /** Rises by exactly one from record to record of a task within an incarnation. The first is 1. */
  readonly epoch: number;
  readonly incarnation: number;
  /** Of the consumer group, captured with the assignment. */
  readonly generation: number;
  readonly transactionalId: string;
  /** Decimal digits: it may exceed 2^53. */
  readonly producerId: string;
  readonly producerEpoch: number;
  /** Next offset to process, for every input partition of the task: topic → offset (partition = the task's). */
  readonly offsets: Readonly<Record<string, number>>;
}

/** Format version of the encoded record. A reader refuses what is newer than itself. */
export const COMMIT_RECORD_VERSION = 1;

/** Key of commit records in every changelog partition; state keys begin with 1 (`state/state-key.ts`). */
export const COMMIT_RECORD_KEY: Buffer = Buffer.from([0]);

export function encodeCommitRecord(record: CommitRecord): Buffer {
  return Buffer.from(JSON.stringify({ v: COMMIT_RECORD_VERSION, ...record }));
}

export type DecodedCommitRecord =
  { readonly ok: true; readonly record: CommitRecord } | { readonly ok: false; readonly reason: string };

/** Reads a commit record; damaged or newer ones are a value, because only the caller knows where it was read. */
export function decodeCommitRecord(bytes: Buffer): DecodedCommitRecord {
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
  } catch {
    return { ok: false, reason: 'the commit record is not JSON' };
  }
  if (typeof parsed !== 'object' || parsed === null)
    return { ok: false, reason: 'the commit record is no object' };
  const { v, ...record } = parsed;
  if (v !== COMMIT_RECORD_VERSION) {
    return {
      ok: false,
      reason: `the commit record has version ${String(v)}, this program reads ${COMMIT_RECORD_VERSION}`,
    };
  }
  const wrong = missingField(record);
  if (wrong !== null) return { ok: false, reason: `the commit record lacks a valid "${wrong}"` };
  return { ok: true, record: record as unknown as CommitRecord };
}

function missingField(record: Record<string, unknown>): string | null {
  for (const field of ['epoch', 'incarnation', 'generation', 'producerEpoch']) {
    if (!Number.isSafeInteger(record[field])) return field;
  }
  for (const field of ['task', 'transactionalId', 'producerId']) {
    if (typeof record[field] !== 'string') return field;
  }
  const offsets = record['offsets'];
  if (typeof offsets !== 'object' || offsets === null) return 'offsets';
  return Object.values(offsets).every(Number.isSafeInteger) ? null : 'offsets';
}

export type Succession = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/**
 * May `next` follow `previous` in a task's log (I7, V3, V7)? Compaction removes commit records, so while reading a
 * compacted log `gapsAllowed` is true and only the order is checked.
 * `repeatable` (AT_LEAST_ONCE): an epoch may come a second time, and the second one counts. Its first batch was in doubt,
 * was not below the high watermark when the task was reloaded, and got there later.
 */
export function checkSuccession(
  previous: CommitRecord | null,
  next: CommitRecord,
  gapsAllowed: boolean,
  repeatable = false,
): Succession {
  if (previous === null) return { ok: true };
  if (next.task !== previous.task) return refuse(`record of ${next.task} in the log of ${previous.task}`);
  if (next.incarnation < previous.incarnation) {
    return refuse(`incarnation ${next.incarnation} after ${previous.incarnation}`);
  }
  if (next.incarnation > previous.incarnation) return { ok: true };
  if (next.generation < previous.generation) {
    return refuse(`generation ${next.generation} after ${previous.generation}`);
  }
  if (repeatable && next.epoch === previous.epoch) return { ok: true };
  const rises = gapsAllowed ? next.epoch > previous.epoch : next.epoch === previous.epoch + 1;
  if (!rises) return refuse(`epoch ${next.epoch} after ${previous.epoch}`);
  for (const [topic, offset] of Object.entries(previous.offsets)) {
    const now = next.offsets[topic];
    if (now === undefined || now < offset)
      return refuse(`offset of ${topic} went from ${offset} to ${String(now)}`);
  }
  return { ok: true };
}

function refuse(reason: string): Succession {
  return { ok: false, reason };
}
