import {
  checkSuccession,
  COMMIT_RECORD_KEY,
  decodeCommitRecord,
  type CommitRecord,
} from '../epoch/protocol/commit-record';
import { TidemarkError } from '../errors';
import type { ClientContext } from '../kafka/client/client-context';
import { readLog } from '../kafka/client/log-reader';
import type { RecordCursor } from '../kafka/codec/batch-reader';
import { tpKey, type Isolation, type TopicPartition } from '../kafka/port';
import { EncodedChanges } from '../state/encoded-changes';
import type { LocalStore } from '../state/local-store';
import type { FaultInjector } from '../util/fault-points';

/** Changes are handed to the local store in pieces of about this size. */
const PIECE_BYTES = 4 * 1024 * 1024;

export interface Replay {
  readonly records: number;
  /** Of the newest record read, by the broker's clock; -1 when none was. */
  readonly brokerTime: number;
  readonly leaderEpoch: number;
  /** The newest commit record of the task: from the log, else from the store; null: the task never committed. */
  readonly last: CommitRecord | null;
}

export interface ReplayOptions {
  readonly client: ClientContext;
  readonly changelog: TopicPartition;
  readonly task: string;
  readonly from: number;
  /** High watermark that the last stable offset has reached (B4). */
  readonly to: number;
  readonly isolation: Isolation;
  /** AT_LEAST_ONCE: an epoch may be there twice. */
  readonly repeatable: boolean;
  readonly store: LocalStore;
  readonly fault: FaultInjector;
  readonly onProgress: (records: number) => void;
}

/**
 * Replays [from, to) of a task's changelog into its local store, in log order, without a marker: the caller writes it.
 * Commit records must rise (I7); compaction may have removed some. @throws {TidemarkError} TM4001 when they do not, or
 * when the log ends before what an earlier replay has seen of it
 */
export async function replayChangelog(options: ReplayOptions): Promise<Replay> {
  const { client, changelog, from, to, isolation, store } = options;
  const stored = readCommitRecord(store.get(COMMIT_RECORD_KEY), options);
  // A replay that died before its marker left a newer one: the log has it once more, behind those before it.
  const unmarked = stored !== null && stored.epoch > (store.marker?.taskEpoch ?? 0);
  let last = unmarked ? null : stored;
  let piece = new EncodedChanges();
  let records = 0;
  let brokerTime = -1;
  let leaderEpoch = -1;
  await readLog({
    ...client,
    ...changelog,
    from,
    to,
    isolation,
    onChunk: async (cursor: RecordCursor) => {
      while (cursor.next()) {
        records++;
        brokerTime = Math.max(brokerTime, cursor.timestamp);
        leaderEpoch = cursor.batchLeaderEpoch;
        const value =
          cursor.valueStart < 0 ? null : cursor.buffer.subarray(cursor.valueStart, cursor.valueEnd);
        const key = cursor.buffer.subarray(cursor.keyStart, cursor.keyEnd);
        if (key.length === 1 && key[0] === COMMIT_RECORD_KEY[0])
          last = advance(last, value, cursor.offset, options);
        piece.add(key, value);
      }
      options.onProgress(records);
      if (piece.byteLength < PIECE_BYTES) return;
      const full = piece;
      piece = new EncodedChanges();
      await store.apply(full, null);
      options.fault('recovery.mid-replay');
    },
  });
  if (unmarked && (last?.epoch ?? 0) < stored.epoch) {
    throw damaged(`it ends at epoch ${last?.epoch ?? 0}, the local store is at ${stored.epoch}`, -1, options);
  }
  if (piece.count > 0) await store.apply(piece, null);
  if (records > 0) options.fault('recovery.mid-replay');
  return { records, brokerTime, leaderEpoch, last };
}

function advance(
  last: CommitRecord | null,
  bytes: Buffer | null,
  offset: number,
  options: ReplayOptions,
): CommitRecord {
  const next = readCommitRecord(bytes ?? Buffer.alloc(0), options);
  if (next === null) throw damaged('the commit record is empty', offset, options);
  const succession = checkSuccession(last, next, true, options.repeatable);
  if (!succession.ok) throw damaged(succession.reason, offset, options);
  return next;
}

function readCommitRecord(bytes: Buffer | undefined, options: ReplayOptions): CommitRecord | null {
  if (bytes === undefined) return null;
  const decoded = decodeCommitRecord(bytes);
  if (!decoded.ok) throw damaged(decoded.reason, -1, options);
  if (decoded.record.task !== options.task) {
    throw damaged(`it belongs to task ${decoded.record.task}`, -1, options);
  }
  return decoded.record;
}

function damaged(reason: string, offset: number, { changelog, task }: ReplayOptions): TidemarkError {
  const at = tpKey(changelog.topic, changelog.partition);
  return new TidemarkError('TM4001', 'stop', `the changelog of task ${task} is out of order: ${reason}`, {
    where: offset < 0 ? at : `${at}@${offset}`,
    hint: 'two different programs write it, or it was edited; nothing was changed. Keep the topic for analysis',
  });
}
