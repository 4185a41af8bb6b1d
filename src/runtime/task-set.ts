import { TidemarkError } from '../errors';
import { tpKey } from '../kafka/port';
import { brokerError, connectionError } from '../kafka/client/broker-errors';
import { KafkaError } from '../kafka/protocol/errors';
import type { LocalStore, OpenedStore } from '../state/local-store';
import type { ExecutorContext } from './executor-context';
import { ISOLATION } from './executor-context';
import { taskName, type TaskId } from './job-plan';
import { endOffsets } from '../kafka/client/offsets';
import { buildTask, changelogIdentity, plannedStageOf, type TaskBuilderOptions } from './task-builder';
import {
  recoverStore,
  resolveStart,
  resumeTask,
  type RecoveredStore,
  type RecoveryOptions,
} from './task-recovery';
import type { Task, TaskInput } from './task';
import { settleLimited } from '../util/limited';

/** Where a record of an input goes. */
export interface Route {
  readonly task: Task;
  readonly input: TaskInput;
}

export interface RecoveryReport {
  readonly task: string;
  readonly how: 'tail' | 'rebuild';
  readonly records: number;
  readonly durationMs: number;
}

/** At a time: each reads ahead some megabytes of its changelog. */
const MAX_RECOVERIES = 16;
const GROUP_OFFSET_ATTEMPTS = 200;
const GROUP_OFFSET_PAUSE_MS = 25;

/**
 * The tasks that an executor owns. Opening one means recovering it (PROTOCOL B4, C); reloading all of them is what
 * follows an aborted epoch: caches and layers dropped, then the same recovery again from the log.
 */
export class TaskSet {
  readonly reports: RecoveryReport[] = [];
  private readonly context: ExecutorContext;
  private readonly builder: Omit<TaskBuilderOptions, 'cacheEntries'>;
  private readonly tasks = new Map<string, Task>();
  private readonly stores = new Map<string, LocalStore>();
  private readonly routes = new Map<string, Route>();
  /** What the group assigned: kept also while a task cannot be opened, so that none is forgotten. */
  private wanted: readonly TaskId[] = [];
  /** Set while the offsets of the group have not been compared with the commit records yet: once per process. */
  private verifyGroupOffsets = true;

  constructor(context: ExecutorContext, builder: Omit<TaskBuilderOptions, 'cacheEntries'>) {
    this.context = context;
    this.builder = builder;
  }

  all(): readonly Task[] {
    return [...this.tasks.values()];
  }

  /** Are the start offsets of all tasks committed? Until then nothing may be processed (C4). */
  get pinned(): boolean {
    for (const task of this.tasks.values()) if (!task.pinned) return false;
    return true;
  }

  route(topic: string, partition: number): Route | undefined {
    return this.routes.get(tpKey(topic, partition));
  }

  /** Closes what is not wanted any more, opens what is new; tasks that stay are not touched. */
  async adopt(wanted: readonly TaskId[]): Promise<void> {
    this.wanted = wanted;
    const names = new Set(wanted.map(taskName));
    for (const task of this.all()) if (!names.has(task.name)) this.forget(task);
    for (const [name, store] of this.stores) {
      if (names.has(name)) continue;
      this.stores.delete(name);
      await store.close();
    }
    await this.openMissing();
    this.verifyGroupOffsets = false;
  }

  /**
   * An epoch was aborted: nothing of memory is trusted (A5). The tasks are gone until {@link reload}, so that nothing
   * of them can be committed by mistake; their stores, which hold committed data only, are kept.
   */
  drop(): void {
    for (const task of this.all()) this.forget(task);
    this.context.fault('abort.dropped');
  }

  /** After {@link drop}: every task starts again at its last commit record. */
  async reload(): Promise<void> {
    await this.openMissing();
  }

  async close(): Promise<void> {
    this.tasks.clear();
    this.routes.clear();
    const stores = [...this.stores.values()];
    this.stores.clear();
    await Promise.allSettled(stores.map((store) => store.close()));
  }

  /** One task's trouble holds up no other; the first is thrown when all are done. */
  private async openMissing(): Promise<void> {
    const missing = this.wanted.filter((id) => !this.tasks.has(taskName(id)));
    const results = await settleLimited(missing, MAX_RECOVERIES, (id) => this.open(id, this.wanted.length));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  private forget(task: Task): void {
    task.state.drop();
    this.tasks.delete(task.name);
    for (const input of task.inputs) this.routes.delete(tpKey(input.topic, input.partition));
  }

  private async open(id: TaskId, siblings: number): Promise<void> {
    const { platform, config, logger } = this.context;
    const startedAt = platform.clock.monotonic();
    const options = this.recoveryOptions(id);
    const planned = plannedStageOf(this.context, id);
    const name = taskName(id);
    const opened = await this.openStore(id);
    if (opened.store !== null) this.stores.set(name, opened.store);
    const identity = changelogIdentity(this.context, planned);
    const recovered = await recoverStore(id, planned.changelog, identity, opened, options);
    this.stores.set(name, recovered.store);
    const cacheEntries = Math.floor(config.state.cacheMaxEntries / Math.max(1, siblings));
    const task = buildTask(id, recovered.store, { ...this.builder, cacheEntries });
    await resumeTask(task, recovered, options);
    await this.place(task, recovered);
    this.tasks.set(name, task);
    for (const input of task.inputs) this.routes.set(tpKey(input.topic, input.partition), { task, input });
    const durationMs = Math.round(platform.clock.monotonic() - startedAt);
    const report = { task: name, how: recovered.how, records: recovered.replay.records, durationMs };
    this.reports.push(report);
    if (this.reports.length > MAX_REPORTS) this.reports.shift();
    logger.info('task recovered', { ...report, epoch: task.epoch });
  }

  /** The store that this process already holds, or what is on disk. */
  private async openStore(id: TaskId): Promise<OpenedStore> {
    const held = this.stores.get(taskName(id));
    if (held === undefined) return this.context.backend.open(id);
    if (held.failed) {
      this.stores.delete(taskName(id));
      await held.close();
      if (held.unreadable) return { store: null, facts: { kind: 'broken', reason: 'it cannot be read' } };
      return this.context.backend.open(id);
    }
    if (held.marker !== null) return { store: held, facts: { kind: 'intact', marker: held.marker } };
    return { store: held, facts: { kind: 'broken', reason: 'it was never complete' } };
  }

  /** Positions: behind the last commit record, else the resolved start, which is pinned by an epoch (C4). */
  private async place(task: Task, recovered: RecoveredStore): Promise<void> {
    const first = recovered.replay.last === null;
    const needsGroup = first || this.verifyGroupOffsets;
    const group = needsGroup ? await this.groupOffsets(task) : new Map<string, number>();
    for (const input of task.inputs) {
      const groupOffset = group.get(tpKey(input.topic, input.partition)) ?? null;
      if (input.position < 0) {
        const startFrom = input.source?.startFrom ?? 'earliest';
        input.position = await resolveStart(input, startFrom, groupOffset, this.context);
        task.mustPin = true;
      } else if (groupOffset !== null && groupOffset !== input.position) {
        this.judgeMovedOffset(task, input, groupOffset);
      }
    }
  }

  /** Commit records win; offsets that somebody moved meanwhile are reported, never used silently (PROTOCOL G). */
  private judgeMovedOffset(task: Task, input: TaskInput, groupOffset: number): void {
    const behind = groupOffset < input.position;
    if (behind && this.context.config.checkpointing.mode === 'AT_LEAST_ONCE') {
      // Without transactions the group's offsets follow the commit record, and a crash fell in between: an epoch
      // mirrors them anew, also when no record comes any more.
      task.mustPin = true;
      return;
    }
    const id = this.context.config.applicationId;
    throw new TidemarkError(
      'TM4004',
      'usage',
      `the group's offset is ${groupOffset}, the job's last commit is ${input.position}: somebody moved it while the job was down`,
      {
        where: tpKey(input.topic, input.partition),
        hint: `the state belongs to ${input.position}; to start elsewhere without it, use \`tidemark reset ${id} --to-earliest\` or \`--to-datetime TIME\`; to go on, set the group's offset back`,
      },
    );
  }

  private async groupOffsets(task: Task): Promise<Map<string, number>> {
    const { port, platform, config } = this.context;
    const partitions = task.inputs.map(({ topic, partition }) => ({ topic, partition }));
    const where = `group ${config.applicationId}`;
    for (let attempt = 1; ; attempt++) {
      const answer = await port
        .offsetFetch(config.applicationId, partitions, true)
        .catch((error: unknown) => {
          throw connectionError(error, where);
        });
      const errorCode = answer.errorCode || (answer.offsets.find((o) => o.errorCode !== 0)?.errorCode ?? 0);
      if (errorCode === 0) {
        const known = answer.offsets.filter(({ offset }) => offset >= 0n);
        return new Map(known.map((o) => [tpKey(o.topic, o.partition), Number(o.offset)]));
      }
      if (attempt >= GROUP_OFFSET_ATTEMPTS || errorCode !== KafkaError.UNSTABLE_OFFSET_COMMIT)
        throw brokerError('OffsetFetch', errorCode, where);
      await platform.scheduler.sleep(GROUP_OFFSET_PAUSE_MS);
    }
  }

  private recoveryOptions(id: TaskId): RecoveryOptions {
    const { context } = this;
    const { config, plan, fault, logger, backend } = context;
    return {
      client: context,
      backend,
      isolation: ISOLATION,
      repeatable: config.checkpointing.mode === 'AT_LEAST_ONCE',
      stableDeadlineMs: config.kafka.transactionTimeoutMs + STABLE_MARGIN_MS,
      deleteRetentionMs: context.topics.of(plannedStageOf(context, id).changelog).deleteRetentionMs,
      incarnation: plan.incarnation,
      fault,
      logger,
    };
  }
}

/** Recovery reports kept for the status. */
const MAX_REPORTS = 1000;
/** The coordinator looks for expired transactions every ten seconds by default. */
const STABLE_MARGIN_MS = 15_000;

/** The end offsets of all sources: what `--until-end` processes up to. */
export async function sourceEnds(context: ExecutorContext): Promise<ReadonlyMap<string, number>> {
  const partitions = [...context.plan.sources].flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition })),
  );
  return endOffsets(context, partitions, ISOLATION);
}
