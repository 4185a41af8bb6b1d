import type { ExecutorStatus } from './run-api';
import { EpochCycle } from '../epoch/epoch-cycle';
import type { EpochEnd } from '../epoch/protocol/epoch-trigger';
import type { EpochCommitter } from '../epoch/transaction/committer';
import { isTidemarkError, TidemarkError } from '../errors';
import { Fetcher } from '../kafka/client/fetcher';
import type { MemberAssignment } from '../kafka/client/group-member';
import { Pulse } from '../kafka/client/pulse';
import { tpKey, type GroupIdentity } from '../kafka/port';
import type { OutputBuffers } from '../sink/output-buffers';
import { must } from '../util/asserts';
import { BadRecords } from './bad-records';
import { ISOLATION, type ExecutorContext } from './executor-context';
import { executorStatus } from './executor-status';
import { recoverFrom } from './failure-handling';
import { joinGroup, type Membership } from './membership';
import { makeCommitter, makeOutput } from './executor-parts';
import { endTransaction } from './end-transaction';
import { Housekeeping } from './housekeeping';
import { allTasks } from './job-plan';
import { decodeAssignment } from './member-data';
import { RecordPump } from './record-pump';
import { RestartBackoff } from './restart-backoff';
import type { SealedEpoch, Task } from './task';
import { sourceEnds, TaskSet } from './task-set';
import { TroubleLog } from './trouble-log';
import { TimestampBounds } from './timestamp-bounds';

/** A slice of processing: short enough that heartbeats, answers and commits go on beside it. */
const SLICE_MS = 10;
/** How long the loop sleeps when nothing wakes it. */
const IDLE_MS = 1000;

export type ExecutorPhase = 'starting' | 'restoring' | 'running' | 'stopping' | 'finished' | 'failed';

/** A request of the group that the main loop answers between two epochs. */
interface RevokeRequest {
  readonly done: () => void;
}

/**
 * One executor: a group member with one transactional producer, the tasks it was assigned, and the loop
 *
 * ```
 *   inbox (assignment, revocation, loss, stop) → a slice of records → epoch due? → seal, commit beside → …
 * ```
 * Everything that changes ownership happens in the loop, between slices; the group's callbacks only leave a note.
 * Failures of any step end in `failure-handling.ts`: drop what the epoch touched, fence, reload from the log, replay.
 */
export class Executor {
  readonly context: ExecutorContext;
  readonly committer: EpochCommitter;
  readonly output: OutputBuffers;
  readonly fetcher: Fetcher;
  readonly tasks: TaskSet;
  readonly badRecords = new BadRecords();
  readonly epochs: EpochCycle<SealedEpoch>;
  readonly pump: RecordPump;
  readonly backoff: RestartBackoff;
  readonly aborted = new Map<string, number>();
  phase: ExecutorPhase = 'starting';
  private readonly pulse: Pulse;
  private readonly bounds: TimestampBounds;
  private readonly housekeeping: Housekeeping;
  private readonly troubles: TroubleLog;
  private readonly untilEnd: boolean;
  private membership: Membership | null = null;
  private ends: ReadonlyMap<string, number> | null = null;
  /** Identity that came with the tasks; null: own nothing, commit nothing (A2). */
  private group: GroupIdentity | null = null;
  private assignment: MemberAssignment | null = null;
  private revoke: RevokeRequest | null = null;
  private lost: { readonly error: unknown; readonly done: () => void } | null = null;
  private stopping = false;
  private refused = false;
  private readonly stopRequest = new AbortController();
  private suspended = false;

  constructor(context: ExecutorContext, options: { readonly untilEnd: boolean }) {
    this.context = context;
    this.untilEnd = options.untilEnd;
    this.pulse = new Pulse(context.platform.scheduler);
    this.bounds = new TimestampBounds(context.topics, context.platform.clock);
    this.housekeeping = new Housekeeping(context);
    this.troubles = new TroubleLog(context.platform.clock, context.logger);
    this.output = makeOutput(context);
    this.committer = makeCommitter(context);
    const wake = (): void => this.pulse.wake();
    const { fetch } = context.config.kafka;
    this.fetcher = new Fetcher({ ...context, isolation: ISOLATION, onReady: wake, ...fetch });
    this.tasks = new TaskSet(context, { context, output: this.output, bounds: this.bounds });
    this.pump = new RecordPump({
      fetcher: this.fetcher,
      tasks: this.tasks,
      output: this.output,
      platform: context.platform,
      badRecords: this.badRecords,
      badInput: context.config.badInput,
      deadLetterTopic: (topic) => ({
        topic,
        partitions: context.topics.of(topic).partitions,
        bounds: this.bounds.of(topic),
      }),
    });
    this.epochs = new EpochCycle({
      platform: context.platform,
      limits: context.config.epoch,
      output: this.output,
      committer: this.committer,
      isSink: (topic) =>
        context.topology.stages.some(({ sinks }) => sinks.some((sink) => sink.topic === topic)),
      fault: context.fault,
      wake,
    });
    this.backoff = new RestartBackoff(context.config.restart, context.platform);
  }

  /** Runs until {@link stop}, until the end of the input with `untilEnd`, or until it fails for good. */
  async run(): Promise<void> {
    try {
      if (this.untilEnd) this.ends = await sourceEnds(this.context);
      await this.committer.fence('takeover');
      this.membership = joinGroup(this.context, this.tasks, {
        onRevoke: () => this.onRevoke(),
        onAssigned: (assignment) => this.onAssigned(assignment),
        onLost: (error) => this.onLost(error),
      });
      while (!(await this.turn())) this.backoff.noteProgress(this.epochs.statistics.epochs);
      this.phase = 'finished';
    } catch (error) {
      this.phase = 'failed';
      this.refused = isTidemarkError(error) && error.reaction === 'usage';
      throw error;
    } finally {
      await this.close();
    }
  }

  /** Final epoch, clean leave. {@link run} resolves when it is done. */
  stop(): void {
    this.stopping = true;
    this.stopRequest.abort();
    this.pulse.wake();
  }

  /** Aborted by {@link stop}: pauses and retries end. */
  get stopSignal(): AbortSignal {
    return this.stopRequest.signal;
  }

  /** Caught up with `untilEnd`: every source at its end, nothing open; shuffles may still bring more (`end-of-input.ts`). */
  get caughtUp(): boolean {
    if (this.ends === null || this.phase !== 'running' || this.epochs.open || this.epochs.committing)
      return false;
    const done = (task: Task): boolean =>
      !task.moved && task.inputs.every((input) => input.stopAt === null || input.committed >= input.stopAt);
    return this.tasks.all().every(done) && this.pump.drained;
  }

  status(): ExecutorStatus {
    return executorStatus(this, this.membership?.member.generation() ?? null);
  }

  /** Drops everything that belongs to no committed epoch; the tasks must be reloaded before anything else (A5). */
  async dropEpoch(): Promise<void> {
    this.phase = 'restoring';
    this.pump.drop();
    for (const task of this.tasks.all()) {
      for (const input of task.inputs) this.fetcher.remove(input.topic, input.partition);
    }
    await this.epochs.drop();
    this.tasks.drop();
  }

  /** After {@link dropEpoch} and fencing: every task from its last commit record, and reading begins again. */
  async reload(): Promise<void> {
    this.phase = 'restoring';
    await this.tasks.reload();
    this.startReading(this.tasks.all());
    this.phase = 'running';
  }

  /** Everything owned is gone or will be handed out anew. */
  async disown(): Promise<void> {
    this.group = null;
    this.assignment = null;
    await this.dropEpoch();
    await this.tasks.adopt([]);
  }

  /** Asks the group for a new round; tasks stay owned until it takes them. */
  requestRejoin(reason: string): void {
    this.membership?.member.requestRejoin(reason);
  }

  get identity(): GroupIdentity | null {
    return this.group;
  }

  /** One turn of the loop. @returns true when the executor is done */
  private async turn(): Promise<boolean> {
    try {
      await this.answerInbox();
      this.epochs.check();
      const worked = this.mayProcess() && this.pump.run(this.now() + SLICE_MS);
      this.bounds.refresh();
      this.housekeeping.tick(this.tasks.all());
      this.troubles.look(this.fetcher.troubles());
      if (await this.endEpochIfDue(worked)) return true;
      return false;
    } catch (error) {
      await recoverFrom(error, this);
      return false;
    }
  }

  private mayProcess(): boolean {
    return this.group !== null && !this.suspended && !this.stopping && this.tasks.pinned;
  }

  /** Ends the epoch when it is due, else waits for something to do. @returns true when the executor is done */
  private async endEpochIfDue(worked: boolean): Promise<boolean> {
    const tasks = this.tasks.all();
    const decision = this.epochs.decide(tasks, {
      drained: this.pump.drained,
      mustEnd: this.pump.mustEndEpoch,
      revoking: this.revoke !== null,
      stopping: this.stopping,
    });
    if (decision.kind === 'end') {
      this.endEpoch(must(this.group, 'group identity'), decision.reason);
      if (worked) await this.context.platform.scheduler.yield();
      return false;
    }
    if (decision.kind === 'wait-for-commit') {
      await this.epochs.settle();
      return false;
    }
    if (this.stopping && !this.epochs.committing && !this.epochs.open) return true;
    if (worked) {
      await this.context.platform.scheduler.yield();
      return false;
    }
    await this.pulse.wait(Math.min(IDLE_MS, Math.max(0, decision.recheckAt - this.now())));
    return false;
  }

  private endEpoch(group: GroupIdentity, reason: EpochEnd): void {
    this.epochs.end(this.tasks.all(), group, reason);
    this.pump.epochEnded();
  }

  private async answerInbox(): Promise<void> {
    if (this.lost !== null) await this.answerLoss();
    if (this.revoke !== null) await this.answerRevoke();
    if (this.assignment !== null) await this.adopt();
  }

  /** Consent (B3): the open epoch has a definite end before the member joins again. */
  private async answerRevoke(): Promise<void> {
    if (this.group !== null) {
      await this.epochs.settle();
      const tasks = this.tasks.all();
      const circumstances = { drained: false, revoking: true, stopping: this.stopping };
      const decision = this.epochs.decide(tasks, circumstances);
      if (decision.kind === 'end') this.endEpoch(this.group, 'revocation');
      await this.epochs.settle();
    }
    // An assignment that could not be adopted yet belongs to the generation that ends here.
    this.assignment = null;
    this.suspended = true;
    this.group = null;
    const request = this.revoke;
    this.revoke = null;
    request?.done();
  }

  private async answerLoss(): Promise<void> {
    const { lost } = this;
    const rejoins = isTidemarkError(lost?.error) && lost.error.reaction === 'rejoin';
    if (rejoins) this.logLoss(lost.error);
    await this.disown();
    await this.committer.fence('takeover');
    this.lost = null;
    lost?.done();
    if (lost !== null && !rejoins) throw lost.error;
  }

  private logLoss(error: TidemarkError): void {
    const details = { code: error.code, reason: error.describe() };
    this.context.logger.warn('membership lost, joining again', details);
  }

  private async adopt(): Promise<void> {
    const assignment = must(this.assignment, 'assignment');
    const data = decodeAssignment(assignment.userData);
    this.phase = 'restoring';
    // The identity is needed when recovery meets a fenced producer; nothing is processed before all is recovered.
    this.group = must(this.membership, 'membership').identityOf(assignment);
    this.suspended = true;
    const kept = new Set(this.tasks.all());
    this.pump.drop();
    await this.tasks.adopt(data?.tasks ?? []);
    this.restartReading(kept);
    this.sayIfIdle();
    if (this.assignment === assignment) this.assignment = null;
    this.suspended = false;
    this.phase = 'running';
  }

  /** More executors than tasks is allowed; the surplus stands by for when another leaves. */
  private sayIfIdle(): void {
    if (this.tasks.all().length > 0) return;
    const { plan, logger } = this.context;
    logger.info('no task for this executor: it idles until there is one', { tasks: allTasks(plan).length });
  }

  /** Reading of kept tasks goes on at their positions; that of tasks that left ends; that of new ones begins. */
  private restartReading(before: ReadonlySet<Task>): void {
    for (const task of before) {
      for (const input of task.inputs) this.fetcher.remove(input.topic, input.partition);
    }
    this.startReading(this.tasks.all());
  }

  private startReading(tasks: readonly Task[]): void {
    for (const task of tasks) {
      for (const input of task.inputs) {
        input.stopAt = input.shuffle ? null : (this.ends?.get(tpKey(input.topic, input.partition)) ?? null);
        this.fetcher.add(input.topic, input.partition, input.position);
        const atEnd = input.stopAt !== null && input.position >= input.stopAt;
        if (atEnd) this.fetcher.pause(input.topic, input.partition);
      }
    }
  }

  private onRevoke(): Promise<void> {
    return new Promise((resolve) => {
      this.revoke = { done: resolve };
      this.pulse.wake();
    });
  }

  private onAssigned(assignment: MemberAssignment): void {
    this.assignment = assignment;
    this.pulse.wake();
  }

  private onLost(error: unknown): Promise<void> {
    return new Promise((resolve) => {
      this.assignment = null;
      this.revoke?.done();
      this.revoke = null;
      this.lost = { error, done: resolve };
      this.pulse.wake();
    });
  }

  private async close(): Promise<void> {
    this.fetcher.close();
    this.revoke?.done();
    this.lost?.done();
    await endTransaction(this);
    // One that crashes keeps its place, so that its restart disturbs nobody; one that was refused will not come back as
    // it was, and the commands that its error names need an empty group.
    const leave = this.phase === 'finished' || this.refused;
    await this.membership?.member.close({ leave }).catch((error: unknown) => this.logLeave(error));
    await this.housekeeping.close();
    await this.tasks.close();
  }

  private logLeave(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.context.logger.warn('the group was not left cleanly; its session will time out', { reason });
  }

  private now(): number {
    return this.context.platform.clock.monotonic();
  }
}

/** For errors that nobody meant to raise. */
export function internalError(error: unknown): TidemarkError {
  if (isTidemarkError(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new TidemarkError('TM9001', 'stop', `internal error: ${message}`, {
    hint: 'please report it with the output of --verbose',
    cause: error,
  });
}
