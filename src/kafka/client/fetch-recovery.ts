import { isTidemarkError, TidemarkError } from '../../errors';
import { must } from '../../util/asserts';
import { backoffMs } from './backoff';
import { brokerError } from './broker-errors';
import { errorRule } from './error-reactions';
import type { FetchAssignment } from './fetch-assignment';
import type { FetcherOptions, FetchLimits } from './fetcher-options';
import { offsetGone, rangeOf } from './offset-range';

/** What the recovery tells the fetcher. */
export interface RecoveryHost {
  /** False once the partition was removed, or added anew, or the fetcher closed. */
  isAssigned(assignment: FetchAssignment): boolean;
  /** `assignment.failure` has been set. */
  failed(assignment: FetchAssignment): void;
  /** A question about the partition has been answered: it may be fetched, or it has failed. */
  settled(assignment: FetchAssignment): void;
}

/** What becomes of a partition that could not be fetched: another try after a pause, another leader, or the end. */
export class FetchRecovery {
  private readonly options: FetcherOptions;
  private readonly limits: FetchLimits;
  private readonly host: RecoveryHost;

  constructor(options: FetcherOptions, limits: FetchLimits, host: RecoveryHost) {
    this.options = options;
    this.limits = limits;
    this.host = host;
  }

  /** Decides by the error code of a Fetch answer. */
  refused(assignment: FetchAssignment, errorCode: number): void {
    const { fetch, reaction } = errorRule(errorCode);
    if (fetch === 'check-range') return void this.checkRange(assignment);
    const error = brokerError('Fetch', errorCode, assignment.where());
    if (fetch === 'must-pass-soon') this.retryLater(assignment, error, this.limits.persistentErrorMs);
    else if (reaction === 'retry') this.retryLater(assignment, error);
    else this.fail(assignment, error);
  }

  /**
   * Looks the leader up anew after a pause.
   * @param atMostMs how long this kind of trouble may last without a break before it is final; default for ever
   */
  retryLater(assignment: FetchAssignment, error: TidemarkError, atMostMs = Infinity): void {
    const now = this.options.platform.clock.monotonic();
    if (assignment.trouble?.code !== error.code) assignment.troubledSince = now;
    assignment.trouble = error;
    if (now - assignment.troubledSince >= atMostMs) {
      this.fail(assignment, asFinal(error));
      return;
    }
    assignment.notBefore = now + backoffMs(assignment.failures++, this.options.platform.random);
    assignment.leader = null;
    this.options.metadata.invalidate(assignment.topic);
  }

  fail(assignment: FetchAssignment, error: unknown): void {
    assignment.failure = error;
    this.host.failed(assignment);
  }

  async findLeader(assignment: FetchAssignment): Promise<void> {
    await this.inBackground(assignment, async () => {
      const leader = await this.options.metadata.leaderOf(assignment.topic, assignment.partition);
      return () => (assignment.leader = leader);
    });
  }

  /** OFFSET_OUT_OF_RANGE is final only when the leader's own range says so: a deposed one may say it too. */
  private async checkRange(assignment: FetchAssignment): Promise<void> {
    const version = assignment.version;
    await this.inBackground(assignment, async () => {
      const range = await rangeOf(this.options, must(assignment.leader, 'leader').nodeId, assignment);
      return () => {
        if (assignment.version !== version) return;
        const error = offsetGone(assignment, assignment.fetchPosition, range);
        const within = range.start <= assignment.fetchPosition && assignment.fetchPosition <= range.end;
        if (within) this.retryLater(assignment, error, this.limits.persistentErrorMs);
        else this.fail(assignment, error);
      };
    });
  }

  /** Asks something about a partition, which is not fetched meanwhile. */
  private async inBackground(assignment: FetchAssignment, ask: () => Promise<() => void>): Promise<void> {
    assignment.resolving = true;
    let apply: () => void;
    try {
      apply = await ask();
    } catch (error) {
      apply = () => {
        if (isTidemarkError(error) && error.reaction === 'retry') this.retryLater(assignment, error);
        else this.fail(assignment, error);
      };
    }
    assignment.resolving = false;
    if (!this.host.isAssigned(assignment)) return;
    apply();
    this.host.settled(assignment);
  }
}

/** The same error once waiting for it to pass has been given up. */
function asFinal(error: TidemarkError): TidemarkError {
  return new TidemarkError(error.code, 'stop', error.message, {
    ...(error.where === undefined ? {} : { where: error.where }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  });
}
