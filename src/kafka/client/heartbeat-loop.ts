import type { Cancel, Platform } from '../../util/ports';
import type { GroupIdentity, KafkaPort } from '../port';
import { KafkaError } from '../protocol/errors';
import { backoffMs } from './backoff';
import { isKafkaRequestError, reactionTo } from './broker-errors';

export interface HeartbeatOptions {
  readonly port: KafkaPort;
  readonly platform: Platform;
  readonly intervalMs: number;
  readonly sessionTimeoutMs: number;
  /** An answer other than "all is well" or "ask again". Not called for an answer to an earlier identity. */
  readonly onError: (errorCode: number) => void;
  /** No heartbeat that was sent within the session time-out has been answered. */
  readonly onExpired: () => void;
  /** Something that is no answer from a broker: a bug. */
  readonly onBug: (error: unknown) => void;
}

/** Retries after a lost heartbeat come sooner than the next regular one: a coordinator may have moved. */
const RETRY_RANGE = { initialMs: 100, maxMs: 1000 };

/**
 * Sends heartbeats on its own timer, whatever the processing does; at most one is under way. A heartbeat proves the
 * session from the moment it was sent, not from its answer: the broker may have counted from then.
 */
export class HeartbeatLoop {
  private readonly options: HeartbeatOptions;
  private identity: GroupIdentity | null = null;
  /** Raised by start and stop: what belongs to an earlier run is ignored. */
  private run = 0;
  private provenAt = 0;
  private busy = false;
  private failures = 0;
  private cancelTick: Cancel | null = null;
  private cancelExpiry: Cancel | null = null;

  constructor(options: HeartbeatOptions) {
    this.options = options;
  }

  /** Begins with this identity; it has just been confirmed by the coordinator's answer to a join. */
  start(identity: GroupIdentity): void {
    this.stop();
    this.identity = identity;
    this.failures = 0;
    this.prove(this.now());
    this.tickAfter(this.options.intervalMs);
  }

  /** Sends nothing and reports nothing until the next start. */
  stop(): void {
    this.run++;
    this.identity = null;
    this.busy = false;
    this.cancelTick?.();
    this.cancelExpiry?.();
  }

  /** Monotonic time of the last proof of the session. */
  lastProof(): number {
    return this.provenAt;
  }

  private now(): number {
    return this.options.platform.clock.monotonic();
  }

  private prove(at: number): void {
    const run = this.run;
    this.provenAt = at;
    this.cancelExpiry?.();
    const left = Math.max(0, at + this.options.sessionTimeoutMs - this.now());
    this.cancelExpiry = this.options.platform.scheduler.after(left, () => {
      if (run !== this.run) return;
      this.stop();
      this.options.onExpired();
    });
  }

  private tickAfter(ms: number): void {
    const run = this.run;
    this.cancelTick = this.options.platform.scheduler.after(ms, () => void this.beat(run));
  }

  private async beat(run: number): Promise<void> {
    if (run !== this.run || this.identity === null || this.busy) return;
    this.busy = true;
    const sentAt = this.now();
    let errorCode: number | null = null;
    try {
      errorCode = (await this.options.port.heartbeat(this.identity)).errorCode;
    } catch (error) {
      if (run === this.run && !isKafkaRequestError(error)) return this.options.onBug(error);
    }
    if (run !== this.run) return;
    this.busy = false;
    this.take(errorCode, sentAt);
  }

  private take(errorCode: number | null, sentAt: number): void {
    const { intervalMs, platform } = this.options;
    if (errorCode === null || reactionTo(errorCode) === 'retry') {
      const soon = backoffMs(this.failures++, platform.random, RETRY_RANGE);
      this.tickAfter(Math.min(soon, intervalMs));
      return;
    }
    this.failures = 0;
    // A coordinator that says "rebalance" has counted the heartbeat.
    if (errorCode === KafkaError.NONE || errorCode === KafkaError.REBALANCE_IN_PROGRESS) {
      this.prove(sentAt);
      this.tickAfter(intervalMs);
    }
    if (errorCode !== KafkaError.NONE) this.options.onError(errorCode);
  }
}
