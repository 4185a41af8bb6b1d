import type { Executor } from './executor';

/** The command line gives the whole end of a job 10 s. */
const WITHIN_MS = 4_000;

/**
 * The last thing that an executor does with its producer: a transaction that was left open would hold up all readers of
 * the output until its time-out. A commit on its way gets to its end; one that failed is ended by fencing, as owner. One
 * that somebody else has fenced is not touched. Gives up when the brokers do not answer in time.
 */
export async function endTransaction({ epochs, committer, context }: Executor): Promise<void> {
  const end = async (): Promise<void> => {
    await epochs.settle().catch(() => undefined);
    if (committer.inDoubt) await committer.fence('own');
  };
  const late = new AbortController();
  const inTime = context.platform.scheduler.sleep(WITHIN_MS, late.signal).then(
    () => context.logger.warn('a transaction may be open until its time-out: the brokers do not answer'),
    () => undefined,
  );
  const reason = (error: unknown): void =>
    context.logger.warn('a transaction may be open until its time-out', {
      reason: error instanceof Error ? error.message : String(error),
    });
  await Promise.race([end().catch(reason), inTime]);
  late.abort();
}
