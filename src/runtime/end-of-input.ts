import { isTidemarkError } from '../errors';
import { endOffsets } from '../kafka/client/offsets';
import { tpKey } from '../kafka/port';
import type { Executor } from './executor';

const ANSWER_WITHIN_MS = 10_000;

/**
 * With `untilEnd`: has this executor nothing left to do? Its sources are committed up to the end that was seen at start,
 * and its shuffles are read to the high watermark that ListOffsets names now: what the last fetch answered may be old.
 *
 * One such answer says nothing of records that another executor is about to write. The job is at its end when all
 * executors have said so twice, the second time asked after the last first answer, with the same epochs: nobody has
 * committed anything in between, and what was committed before has been looked for.
 * @returns the epochs committed so far; null when there is something left, or when nobody can tell
 */
export async function epochsAtEnd(executor: Executor): Promise<number | null> {
  const { context, epochs, fetcher, tasks } = executor;
  const before = epochs.statistics.epochs;
  if (!executor.caughtUp) return null;
  const shuffles = tasks.all().flatMap(({ inputs }) => inputs.filter(({ shuffle }) => shuffle));
  try {
    const ends = await endOffsets(context, shuffles, 'read_uncommitted', ANSWER_WITHIN_MS);
    const isRead = ({ topic, partition }: { topic: string; partition: number }): boolean =>
      fetcher.isAssigned(topic, partition) &&
      fetcher.positionOf(topic, partition) >= (ends.get(tpKey(topic, partition)) ?? Infinity);
    const atEnd = shuffles.every(isRead) && executor.caughtUp && epochs.statistics.epochs === before;
    return atEnd ? before : null;
  } catch (error) {
    if (isTidemarkError(error)) return null;
    throw error;
  }
}
