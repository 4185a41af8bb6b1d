import type { GroupIdentity } from '../kafka/port';
import type { Executor } from './executor';
import type { ExecutorStatus, InputPosition, TaskStatus } from './run-api';
import type { Task, TaskInput } from './task';

/** What an executor shows of itself. */
export function executorStatus(executor: Executor, group: GroupIdentity | null): ExecutorStatus {
  const { context, committer, epochs, tasks } = executor;
  return {
    index: context.index,
    memberId: group?.memberId ?? null,
    generation: group?.generationId ?? -1,
    transactionalId: committer.transactionalId,
    epochs: epochs.statistics.epochs,
    abortedEpochs: [...executor.aborted.values()].reduce((a, b) => a + b, 0),
    lastCommitMs: epochs.statistics.lastCommitMs,
    tasks: tasks.all().map((task) => taskStatus(task, executor)),
  };
}

function taskStatus(task: Task, executor: Executor): TaskStatus {
  return {
    id: task.name,
    stage: task.id.stage,
    partition: task.id.partition,
    state: executor.phase === 'restoring' ? 'restoring' : 'running',
    epoch: task.epoch,
    positions: task.inputs.map((input) => position(input, executor)),
  };
}

function position(input: TaskInput, executor: Executor): InputPosition {
  const { topic, partition } = input;
  const unread = executor.fetcher.isAssigned(topic, partition)
    ? executor.fetcher.lagOf(topic, partition)
    : null;
  const processed = executor.fetcher.isAssigned(topic, partition)
    ? executor.fetcher.positionOf(topic, partition)
    : input.position;
  const lag = unread === null ? null : unread + Math.max(0, processed - input.committed);
  return { topic, partition, offset: BigInt(Math.max(0, input.committed)), lag };
}
