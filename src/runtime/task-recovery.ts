import { planRecovery, type LogFacts, type RecoveryPlan } from '../epoch/protocol/recovery-plan';
import { TidemarkError } from '../errors';
import type { ClientContext } from '../kafka/client/client-context';
import { earliestOffsets, endOffsets, waitForStable } from '../kafka/client/offsets';
import { tpKey, type Isolation } from '../kafka/port';
import type { LocalStore, OpenedStore, StateBackend } from '../state/local-store';
import type { FaultInjector } from '../util/fault-points';
import type { Logger } from '../util/logger';
import { must } from '../util/asserts';
import { EncodedChanges } from '../state/encoded-changes';
import { replayChangelog, type Replay } from './changelog-replay';
import type { ChangelogIdentity, Task, TaskInput } from './task';
import { taskName, type TaskId } from './job-plan';

export interface RecoveryOptions {
  readonly client: ClientContext;
  readonly backend: StateBackend;
  readonly isolation: Isolation;
  /** AT_LEAST_ONCE: an epoch may be in the log twice. */
  readonly repeatable: boolean;
  /** Beyond the transaction time-out nobody's transaction can still be open (B4). */
  readonly stableDeadlineMs: number;
  readonly deleteRetentionMs: number;
  readonly incarnation: number;
  readonly fault: FaultInjector;
  readonly logger: Logger;
}

/** A local store that has been brought to the end of its changelog. */
export interface RecoveredStore {
  readonly store: LocalStore;
  readonly replay: Replay;
  readonly highWatermark: number;
  /** `tail`: the local state was kept and only what it lacked was replayed. */
  readonly how: 'tail' | 'rebuild';
}

/**
 * Brings a task's local store up to its changelog (PROTOCOL B4, C). In this order, and the same after a restart, a
 * rebalance and an aborted epoch:
 * 1. high watermark from ListOffsets, and wait until the last stable offset has reached it;
 * 2. judge the local store against the log; set it aside when in doubt;
 * 3. replay what it lacks.
 */
export async function recoverStore(
  task: TaskId,
  changelog: string,
  identity: ChangelogIdentity,
  opened: OpenedStore,
  options: RecoveryOptions,
): Promise<RecoveredStore> {
  const { client } = options;
  const partition = { topic: changelog, partition: task.partition };
  options.fault('recovery.store-opened');
  const highWatermark = await waitForStable(client, { ...partition, deadlineMs: options.stableDeadlineMs });
  const starts = await earliestOffsets(client, [partition]);
  const log: LogFacts = {
    ...identity,
    incarnation: options.incarnation,
    startOffset: must(starts.get(tpKey(changelog, task.partition)), 'log start'),
    highWatermark,
    deleteRetentionMs: options.deleteRetentionMs,
    now: client.platform.clock.now(),
  };
  const plan = planRecovery(opened.facts, log);
  const store = await usableStore(task, opened, plan, options);
  const from = plan.kind === 'tail' ? plan.from : 0;
  if (from < log.startOffset) throw truncated(task, changelog, from, log.startOffset);
  const replay = await closedOnFailure(store, opened, () =>
    replayChangelog({
      client,
      changelog: partition,
      task: taskName(task),
      from,
      to: highWatermark,
      isolation: options.isolation,
      repeatable: options.repeatable,
      store,
      fault: options.fault,
      onProgress: (records) => options.logger.debug('replaying changelog', { task: taskName(task), records }),
    }),
  );
  return { store, replay, highWatermark, how: plan.kind };
}

/** A store that was put in the opened one's place is nobody's yet: left open, its folder would be locked for ever. */
async function closedOnFailure<T>(
  store: LocalStore,
  opened: OpenedStore,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (store !== opened.store) await store.close();
    throw error;
  }
}

async function usableStore(
  task: TaskId,
  opened: OpenedStore,
  plan: RecoveryPlan,
  options: RecoveryOptions,
): Promise<LocalStore> {
  const keep = plan.kind === 'tail' || plan.discard === null;
  if (keep && opened.store !== null) return opened.store;
  const reason = plan.kind === 'rebuild' ? plan.discard : null;
  options.logger.warn('local store set aside, rebuilding from the changelog', {
    task: taskName(task),
    reason,
  });
  await opened.store?.close();
  return options.backend.replace(task);
}

/** After the replay: the task continues behind its last commit record, and the store gets its marker. */
export async function resumeTask(
  task: Task,
  recovered: RecoveredStore,
  options: RecoveryOptions,
): Promise<void> {
  const { replay, highWatermark } = recovered;
  task.epoch = replay.last?.epoch ?? 0;
  if (replay.last !== null && replay.records > 0) {
    const marker = task.marker(highWatermark, replay.leaderEpoch, replay.brokerTime);
    await recovered.store.apply(new EncodedChanges(), marker);
  }
  for (const input of task.inputs) {
    const committed = replay.last?.offsets[input.topic];
    input.committed = input.position = committed ?? -1;
  }
  options.fault('recovery.done');
}

/**
 * Where an input without a commit record begins: where the group's offset says (a `reset` leaves it there), else by
 * `startFrom`; a shuffle at its very beginning. The caller pins it with an epoch (C4).
 */
export async function resolveStart(
  input: TaskInput,
  startFrom: 'earliest' | 'latest',
  groupOffset: number | null,
  client: ClientContext,
): Promise<number> {
  const partition = { topic: input.topic, partition: input.partition };
  if (groupOffset !== null && !input.shuffle) return groupOffset;
  const query =
    startFrom === 'latest' && !input.shuffle
      ? endOffsets(client, [partition], 'read_committed')
      : earliestOffsets(client, [partition]);
  const offset = must((await query).get(tpKey(input.topic, input.partition)), 'start offset');
  if (input.shuffle && offset > 0) throw truncated(null, input.topic, 0, offset, input.partition);
  return offset;
}

function truncated(
  task: TaskId | null,
  topic: string,
  from: number,
  start: number,
  partition = task?.partition ?? 0,
): TidemarkError {
  return new TidemarkError('TM4002', 'stop', `records ${from} to ${start - 1} that the job needs are gone`, {
    where: tpKey(topic, partition),
    hint: 'somebody deleted records of an internal topic or gave it a retention; restore a savepoint, or start over with `tidemark reset`',
  });
}
