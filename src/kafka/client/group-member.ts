import { isTidemarkError, TidemarkError } from '../../errors';
import { assert, unreachable } from '../../util/asserts';
import type { Platform } from '../../util/ports';
import type { GroupIdentity, TopicPartition } from '../port';
import { KafkaError } from '../protocol/errors';
import { backoffMs } from './backoff';
import { isKafkaRequestError, reactionTo } from './broker-errors';
import {
  failureFor,
  joinOnce,
  syncOnce,
  type Failure,
  type JoinOutcome,
  type RoundOptions,
  type SyncOutcome,
} from './group-round';
import { HeartbeatLoop } from './heartbeat-loop';
import { Pulse } from './pulse';

export type { MemberMetadata } from './group-round';

/**
 * ```
 *              start               ok                ok
 *   unjoined --------> joining --------> syncing --------> stable
 *      ^               |  ^  ^              |  |            |  |
 *      |               |  |  +-- rebalance -+  |            |  |
 *      |               |  |      or retry      |            |  |
 *      |               |  +---------- rebalance, consent ---+  |
 *      +-- lost -------+-----------------------+---------------+
 *
 *   any of these -- close --> leaving --> dead         any of these -- fatal --> dead
 * ```
 */
const LEGAL: Readonly<Record<MemberState, readonly MemberState[]>> = {
  unjoined: ['joining', 'leaving', 'dead'],
  joining: ['syncing', 'unjoined', 'leaving', 'dead'],
  syncing: ['stable', 'joining', 'unjoined', 'leaving', 'dead'],
  stable: ['joining', 'unjoined', 'leaving', 'dead'],
  leaving: ['dead'],
  dead: [],
};

/** Courtesy only: a member that could not say good-bye is removed when its session ends. */
const LEAVE_ATTEMPTS = 3;

export type MemberState = 'unjoined' | 'joining' | 'syncing' | 'stable' | 'leaving' | 'dead';

export interface MemberAssignment {
  readonly generationId: number;
  readonly memberId: string;
  /** What the leader's `assign` wrote for this member; empty when it was left out. */
  readonly userData: Buffer;
  /** For tools only (PROTOCOL B5). */
  readonly partitions: readonly TopicPartition[];
}

export interface GroupMemberOptions extends Omit<RoundOptions, 'protocolName'> {
  readonly platform: Platform;
  /** Default a fifth of the session time-out: four heartbeats may be lost before the session is. */
  readonly heartbeatIntervalMs?: number;
  /** Default `tidemark`. */
  readonly protocolName?: string;
  /**
   * Awaited before every JoinGroup, with the member id that it will carry ('' when there is none yet): the place of
   * the registration (PROTOCOL B1). An error whose reaction is `retry` is tried again after a pause. A dynamic member is called a second time, with the id that the broker gave it.
   */
  readonly beforeJoin?: (memberId: string) => Promise<void>;
  /**
   * Consent (PROTOCOL B3): resolves when everything that this member might have to give up has a definite end.
   * Called before every JoinGroup of a member that has an assignment, so perhaps twice without an assignment in between.
   */
  readonly onRevoke: () => Promise<void>;
  readonly onAssigned: (assignment: MemberAssignment) => Promise<void> | void;
  /**
   * Everything owned is gone: drop it all. Awaited before the next JoinGroup. When the error's reaction is neither
   * `rejoin` nor `abort-epoch` there is no next one: the member is dead.
   */
  readonly onLost: (error: unknown) => Promise<void> | void;
}

/**
 * A member of a classic consumer group (KIP-345 static membership, KIP-814, KIP-394): joins, keeps the session with
 * heartbeats of its own, joins again at a rebalance, and says when ownership is lost. Invariant: between `onLost` and
 * the next `onAssigned` it owns nothing, and callbacks never overlap, except that `onLost` may come while `onRevoke`
 * still waits.
 */
export class GroupMember {
  private readonly options: GroupMemberOptions;
  private readonly round: RoundOptions;
  private readonly heartbeats: HeartbeatLoop;
  private readonly pulse: Pulse;
  private current: MemberState = 'unjoined';
  private memberId = '';
  private identity: GroupIdentity | null = null;
  /** onAssigned was called, and neither onLost nor close since. */
  private holding = false;
  /** A consent that was asked for and, when ownership was lost meanwhile, not waited for. */
  private revoking: Promise<void> = Promise.resolve();
  private rejoinReason: string | null = null;
  /** What heartbeats found out, until the loop acts on it. */
  private failure: Failure | null = null;

  constructor(options: GroupMemberOptions) {
    this.options = options;
    this.round = { ...options, protocolName: options.protocolName ?? 'tidemark' };
    this.pulse = new Pulse(options.platform.scheduler);
    this.heartbeats = new HeartbeatLoop({
      port: options.port,
      platform: options.platform,
      intervalMs: options.heartbeatIntervalMs ?? options.sessionTimeoutMs / 5,
      sessionTimeoutMs: options.sessionTimeoutMs,
      onError: (errorCode) => this.heartbeatError(errorCode),
      onExpired: () => this.interrupt({ kind: 'lost', error: this.expired(), keepsMemberId: true }),
      onBug: (error) => this.interrupt({ kind: 'fatal', error }),
    });
  }

  state(): MemberState {
    return this.current;
  }

  /**
   * The identity that offsets are committed with. Null between a JoinGroup's answer and its SyncGroup's, when no
   * generation may be used (PROTOCOL B3), and while nothing is owned.
   */
  generation(): GroupIdentity | null {
    return this.identity;
  }

  /** Begins to join; everything else is told by the callbacks. */
  start(): void {
    assert(this.current === 'unjoined', () => `a group member that is ${this.current} cannot start`);
    void this.run();
  }

  /**
   * Joins again although nothing demands it. The broker starts a rebalance for a leader always, for another member
   * only if its subscription bytes have changed since (Kafka, GroupCoordinator.doJoinGroup): put a counter into them.
   */
  requestRejoin(reason: string): void {
    this.rejoinReason ??= reason;
    this.pulse.wake();
  }

  /**
   * Ends the membership; no callback begins after it resolves. With `leave` (default) the coordinator is told, also by
   * a static member, so that its tasks move at once; without, they stay until the session times out, so that a
   * restart of the same instance id finds them unmoved. Idempotent.
   */
  async close({ leave = true }: { leave?: boolean } = {}): Promise<void> {
    if (this.current === 'dead' || this.current === 'leaving') return;
    this.transition('leaving');
    this.drop();
    this.pulse.wake();
    if (leave && this.memberId !== '') await this.leaveGroup();
    this.transition('dead');
  }

  private transition(to: MemberState): void {
    assert(LEGAL[this.current].includes(to), () => `group member: ${this.current} to ${to}`);
    this.current = to;
  }

  private ended(): boolean {
    return this.current === 'leaving' || this.current === 'dead';
  }

  private drop(): void {
    this.heartbeats.stop();
    this.holding = false;
    this.identity = null;
    this.failure = null;
  }

  private async run(): Promise<void> {
    let failures = 0;
    try {
      while (!this.ended()) {
        const failure = await this.joinAndStay();
        if (this.ended()) return;
        failures = failure?.kind === 'retry' ? failures + 1 : 0;
        if (failure !== null) await this.react(failure, failures);
      }
    } catch (error) {
      if (!this.ended()) await this.die(error);
    }
  }

  /** From before a JoinGroup to the end of its generation. Null: join again at once. */
  private async joinAndStay(): Promise<Failure | null> {
    const lost = await this.consent();
    if (lost !== null || this.ended()) return lost;
    if (this.current !== 'joining') this.transition('joining');
    const unready = await this.prepare();
    if (unready !== null || this.ended()) return unready;
    const joined = await this.join();
    if (this.ended()) return null;
    switch (joined.kind) {
      case 'member-id':
        this.memberId = joined.memberId;
        return null;
      case 'joined':
        return this.stay(await this.sync(joined));
      default:
        return joined;
    }
  }

  private async prepare(): Promise<Failure | null> {
    try {
      await this.options.beforeJoin?.(this.memberId);
      return null;
    } catch (error) {
      if (isTidemarkError(error) && error.reaction === 'retry') return { kind: 'retry', error };
      throw error;
    }
  }

  /** Asks the owner to let go, and waits until it has or until ownership is lost anyway. */
  private async consent(): Promise<Failure | null> {
    if (!this.holding) return null;
    let done = false;
    const revoking = this.options.onRevoke().finally(() => {
      done = true;
      this.pulse.wake();
    });
    this.revoking = revoking.catch(() => undefined);
    while (!done && this.failure === null && !this.ended()) await this.pulse.wait();
    if (this.failure !== null || this.ended()) return this.failure;
    await revoking;
    return null;
  }

  /** Heartbeats rest while JoinGroup waits at the coordinator: it keeps the session of who waits there. */
  private async join(): Promise<JoinOutcome> {
    const reason = this.rejoinReason ?? (this.holding ? 'rejoin' : 'first join');
    this.rejoinReason = null;
    this.heartbeats.stop();
    return joinOnce(this.round, this.memberId, reason);
  }

  private async sync(joined: JoinOutcome & { kind: 'joined' }): Promise<SyncOutcome> {
    this.transition('syncing');
    this.memberId = joined.identity.memberId;
    this.identity = null;
    // The leader may be long at its assignments, and the coordinator wants to hear from it meanwhile.
    this.heartbeats.start(joined.identity);
    return syncOnce(this.round, joined.identity, joined.answer);
  }

  private async stay(synced: SyncOutcome): Promise<Failure | null> {
    if (this.ended() || synced.kind === 'again') return null;
    if (synced.kind !== 'assigned') return synced;
    if (this.failure !== null) return this.failure;
    this.transition('stable');
    this.identity = synced.identity;
    this.holding = true;
    const { generationId, memberId } = synced.identity;
    await this.options.onAssigned({ generationId, memberId, ...synced.assignment });
    while (!this.ended() && this.failure === null && this.rejoinReason === null) await this.pulse.wait();
    return this.failure;
  }

  private async react(failure: Failure, failures: number): Promise<void> {
    switch (failure.kind) {
      case 'retry':
        if (this.holding && this.silentFor() > this.options.sessionTimeoutMs)
          return this.lose(this.expired(), true);
        return this.pulse.wait(backoffMs(failures, this.options.platform.random));
      case 'lost':
        return this.lose(failure.error, failure.keepsMemberId);
      case 'fatal':
        return this.die(failure.error);
      default:
        return unreachable(failure);
    }
  }

  private silentFor(): number {
    return this.options.platform.clock.monotonic() - this.heartbeats.lastProof();
  }

  private async lose(error: TidemarkError, keepsMemberId: boolean): Promise<void> {
    this.drop();
    this.transition('unjoined');
    if (!keepsMemberId) this.memberId = '';
    await this.options.onLost(error);
    await this.revoking;
  }

  /** The group should not wait for a member that will not come back; one that was replaced has nothing to leave. */
  private async die(error: unknown): Promise<void> {
    this.drop();
    this.transition('dead');
    await this.options.onLost(error);
    const replaced = isTidemarkError(error) && error.code === 'TM1012';
    if (!replaced && this.memberId !== '') await this.leaveGroup();
  }

  private heartbeatError(errorCode: number): void {
    if (errorCode !== KafkaError.REBALANCE_IN_PROGRESS) {
      this.interrupt(failureFor('Heartbeat', errorCode, `group ${this.options.groupId}`));
      return;
    }
    this.requestRejoin('the group is rebalancing');
  }

  private interrupt(failure: Failure): void {
    this.failure = failure;
    this.pulse.wake();
  }

  private expired(): TidemarkError {
    const { sessionTimeoutMs, groupId } = this.options;
    return new TidemarkError('TM5005', 'rejoin', `no heartbeat was answered for ${sessionTimeoutMs} ms`, {
      where: `group ${groupId}`,
      hint: 'the process was stopped or its event loop blocked, or the group coordinator is away',
    });
  }

  private async leaveGroup(): Promise<void> {
    const { port, platform, groupId, groupInstanceId } = this.options;
    for (let attempt = 0; attempt < LEAVE_ATTEMPTS; attempt++) {
      try {
        const { errorCode } = await port.leaveGroup(groupId, [{ memberId: this.memberId, groupInstanceId }]);
        if (errorCode === KafkaError.NONE || reactionTo(errorCode) !== 'retry') return;
      } catch (error) {
        if (!isKafkaRequestError(error)) throw error;
      }
      await platform.scheduler.sleep(backoffMs(attempt, platform.random));
    }
  }
}
