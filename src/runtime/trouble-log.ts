import type { TidemarkError } from '../errors';
import type { Logger } from '../util/logger';
import type { Clock } from '../util/ports';

/** Leader changes take less, and nobody wants to hear of them. */
const WORTH_SAYING_AFTER_MS = 2_000;

/**
 * Says once for each kind of reason that Kafka cannot be read, and once that it can again: waiting in silence looks like
 * hanging. A broker that closes a connection may say only at the next one that it refuses it.
 */
export class TroubleLog {
  private readonly clock: Clock;
  private readonly logger: Logger;
  private since: number | null = null;
  private readonly said = new Set<string>();

  constructor(clock: Clock, logger: Logger) {
    this.clock = clock;
    this.logger = logger;
  }

  /** Takes what keeps partitions from being read at the moment; to be called about once a second. */
  look(troubles: readonly TidemarkError[]): void {
    const now = this.clock.monotonic();
    const [first] = troubles;
    if (first === undefined) return this.over(now);
    this.since ??= now;
    if (this.said.has(first.code) || now - this.since < WORTH_SAYING_AFTER_MS) return;
    this.said.add(first.code);
    const details = { code: first.code, partitions: troubles.length, reason: first.describe() };
    this.logger.warn('Kafka cannot be read: waiting, and trying again', details);
  }

  private over(now: number): void {
    if (this.said.size > 0)
      this.logger.info('Kafka can be read again', { afterMs: Math.round(now - (this.since ?? now)) });
    this.since = null;
    this.said.clear();
  }
}
