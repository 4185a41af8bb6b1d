import { isTidemarkError, TidemarkError } from '../errors';
import { KafkaRequestError, type GroupIdentity } from '../kafka/port';
import { KafkaError, kafkaErrorName } from '../kafka/protocol/errors';
import { UnwritableState } from '../state/unwritable-state';
import type { Executor } from './executor';
import { ReplayNeeded } from './replay-needed';

/**
 * What follows when a turn of the executor's loop failed, by the error's reaction (PROTOCOL A4, A5):
 * - a record to be replayed as bad, or a state value that cannot be written: drop the epoch, reload; the producer is
 *   untouched, nothing was sent;
 * - `abort-epoch`, `retry`: drop, fence, reload, after the restart strategy's pause;
 * - `rejoin`: drop everything owned; the group member joins anew by itself;
 * - anything else: rethrow, the job fails.
 */
export async function recoverFrom(error: unknown, executor: Executor): Promise<void> {
  if (error instanceof ReplayNeeded) return replay(error, executor);
  if (error instanceof UnwritableState) return replay(executor.pump.blame(error), executor);
  if (!isTidemarkError(error)) throw error;
  const { logger } = executor.context;
  switch (error.reaction) {
    case 'stop':
    case 'usage':
      throw error;
    case 'rejoin':
      count(executor, error.code);
      logger.warn('membership lost, joining again', { code: error.code, reason: error.message });
      await executor.disown();
      await untilRecovered(executor, error, () => executor.committer.fence('takeover').then(() => undefined));
      executor.requestRejoin(error.message);
      return;
    case 'retry':
    case 'abort-epoch':
      count(executor, error.code);
      logger.warn('epoch aborted, reloading from the log', { code: error.code, reason: error.describe() });
      await untilRecovered(executor, error, (cause) => fenceAndReload(executor, cause));
  }
}

async function replay(error: ReplayNeeded, executor: Executor): Promise<void> {
  const what =
    error.replayWith === 'record-marked'
      ? 'record set aside, epoch replayed without it'
      : 'state value cannot be written, epoch replayed in halves to find the record';
  executor.context.logger.warn(what, {
    code: error.reason.code,
    where: error.reason.where,
    reason: error.reason.message,
  });
  count(executor, error.reason.code);
  // An epoch that is on its way was sealed before the bad record was met: it ends first, whatever its outcome.
  try {
    await executor.epochs.settle();
  } catch (failure) {
    return recoverFrom(failure, executor);
  }
  await executor.dropEpoch();
  await untilReloaded(executor);
}

/** A reload that fails is a failure like any other. */
async function untilReloaded(executor: Executor): Promise<void> {
  try {
    await executor.reload();
  } catch (failure) {
    await recoverFrom(failure, executor);
  }
}

/** Repeats `attempt` with the restart strategy's pauses until it succeeds, fails for good, or the strategy gives up. */
async function untilRecovered(
  executor: Executor,
  first: TidemarkError,
  attempt: (cause: TidemarkError) => Promise<void>,
): Promise<void> {
  for (let cause = first; ;) {
    await executor.dropEpoch();
    await executor.backoff.pause(cause, executor.stopSignal);
    // Nothing of the dropped epoch was committed: who stops now loses nothing, and who starts next recovers.
    if (executor.stopSignal.aborted) return executor.disown();
    try {
      return await attempt(cause);
    } catch (failure) {
      if (!isTidemarkError(failure) || failure.reaction === 'stop' || failure.reaction === 'usage')
        throw failure;
      executor.context.logger.warn('recovery failed, trying again', {
        code: failure.code,
        reason: failure.describe(),
      });
      if (failure.reaction === 'rejoin') {
        await executor.disown();
        return executor.requestRejoin(failure.message);
      }
      cause = failure;
    }
  }
}

async function fenceAndReload(executor: Executor, cause: TidemarkError): Promise<void> {
  if (cause.code === 'TM5001') {
    await confirmMembership(executor);
    await executor.committer.fence('takeover');
  } else {
    await executor.committer.fence('own');
  }
  await executor.reload();
}

/**
 * A fenced caller must hold a current generation before it may initialise without its old identity (A4): it may have
 * been fenced by a time-out or an old leader, and then goes on; or by another process with the same instance id.
 */
async function confirmMembership(executor: Executor): Promise<void> {
  const { identity, context } = executor;
  if (identity === null) throw notAMember(identity, 'it owns nothing');
  const answer = await context.port.heartbeat(identity).catch((error: unknown) => {
    if (!(error instanceof KafkaRequestError)) throw error;
    throw new TidemarkError('TM5001', 'abort-epoch', 'membership cannot be confirmed', { cause: error });
  });
  if (answer.errorCode === KafkaError.NONE) return;
  if (answer.errorCode === KafkaError.FENCED_INSTANCE_ID) {
    throw new TidemarkError(
      'TM1012',
      'stop',
      `instance id ${context.instanceId} is used by another live process`,
      {
        hint: 'give each process its own --instance-id',
      },
    );
  }
  throw notAMember(identity, `the coordinator answered ${kafkaErrorName(answer.errorCode)}`);
}

function notAMember(identity: GroupIdentity | null, why: string): TidemarkError {
  return new TidemarkError('TM5005', 'rejoin', `fenced, and no longer a member of the group: ${why}`, {
    where: identity?.memberId ?? 'no member id',
  });
}

function count(executor: Executor, code: string): void {
  executor.aborted.set(code, (executor.aborted.get(code) ?? 0) + 1);
}
