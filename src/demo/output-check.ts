import { COMMIT_RECORD_KEY, decodeCommitRecord } from '../epoch/protocol/commit-record';
import type { ClientContext } from '../kafka/client/client-context';
import { readLog } from '../kafka/client/log-reader';
import { waitForStable } from '../kafka/client/offsets';
import type { RecordCursor } from '../kafka/codec/batch-reader';

export interface OutputVerdict {
  readonly records: number;
  readonly keys: number;
  readonly sumOfCounts: number;
  /** Updates whose count was not the user's last one plus one. */
  readonly gapsOrRepeats: number;
  /** Users whose final count is not the expected one. */
  readonly wrongUsers: number;
  readonly holds: boolean;
}

const STABLE_DEADLINE_MS = 75_000;

/** Reads the whole committed output and holds it against the expected counts of users u0, u1, … */
export async function checkOutput(
  client: ClientContext,
  topic: string,
  partitions: number,
  expected: Uint32Array,
): Promise<OutputVerdict> {
  const counts = new Uint32Array(expected.length);
  let records = 0;
  let gapsOrRepeats = 0;
  await readAll(client, topic, partitions, (cursor) => {
    records++;
    const user = Number(cursor.buffer.toString('latin1', cursor.keyStart + 1, cursor.keyEnd));
    const count = Number(cursor.buffer.toString('latin1', cursor.valueStart, cursor.valueEnd));
    if (count !== (counts[user] ?? 0) + 1) gapsOrRepeats++;
    counts[user] = count;
  });
  const wrongUsers = counts.reduce((wrong, count, user) => wrong + (count === expected[user] ? 0 : 1), 0);
  return {
    records,
    keys: counts.reduce((keys, count) => keys + (count > 0 ? 1 : 0), 0),
    sumOfCounts: counts.reduce((sum, count) => sum + count, 0),
    gapsOrRepeats,
    wrongUsers,
    holds: wrongUsers === 0 && gapsOrRepeats === 0,
  };
}

/** The sum of the last committed epochs of all tasks whose changelogs these are. */
export async function countEpochs(
  client: ClientContext,
  changelogs: readonly { readonly topic: string; readonly partitions: number }[],
): Promise<number> {
  let total = 0;
  for (const { topic, partitions } of changelogs) {
    const last = new Map<number, number>();
    await readAll(client, topic, partitions, (cursor, partition) => {
      if (cursor.keyEnd - cursor.keyStart !== COMMIT_RECORD_KEY.length) return;
      const decoded = decodeCommitRecord(cursor.buffer.subarray(cursor.valueStart, cursor.valueEnd));
      if (decoded.ok) last.set(partition, decoded.record.epoch);
    });
    for (const epoch of last.values()) total += epoch;
  }
  return total;
}

async function readAll(
  client: ClientContext,
  topic: string,
  partitions: number,
  onRecord: (cursor: RecordCursor, partition: number) => void,
): Promise<void> {
  for (let partition = 0; partition < partitions; partition++) {
    const to = await waitForStable(client, { topic, partition, deadlineMs: STABLE_DEADLINE_MS });
    await readLog({
      ...client,
      topic,
      partition,
      from: 'earliest',
      to,
      isolation: 'read_committed',
      onChunk: (cursor) => {
        while (cursor.next()) onRecord(cursor, partition);
      },
    });
  }
}
