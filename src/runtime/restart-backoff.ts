import type { RestartConfig } from '../config/resolved-config';
import { TidemarkError } from '../errors';
import type { Platform } from '../util/ports';

/** A first failure is often a leader that moved: it is retried almost at once, whatever the strategy. */
const FIRST_PAUSE_MS = 20;

/** The restart strategy as a pause before each further attempt; progress (a committed epoch) sets it back. */
export class RestartBackoff {
  private readonly config: RestartConfig;
  private readonly platform: Platform;
  private failures = 0;
  private epochs = 0;

  constructor(config: RestartConfig, platform: Platform) {
    this.config = config;
    this.platform = platform;
  }

  /** Failures in a row. */
  get attempts(): number {
    return this.failures;
  }

  /** Tells how many epochs were committed so far. */
  noteProgress(epochs: number): void {
    if (epochs > this.epochs) this.failures = 0;
    this.epochs = epochs;
  }

  /** Waits as the strategy says, or until `signal` aborts. @throws {TidemarkError} TM5007 when it gives up, with the last failure as cause */
  async pause(cause: TidemarkError, signal: AbortSignal): Promise<void> {
    this.failures++;
    const ms = this.nextPause();
    if (ms === null) {
      const attempts = this.failures - 1;
      throw new TidemarkError('TM5007', 'stop', `gave up after ${attempts} attempts: ${cause.describe()}`, {
        hint: 'mend the cause and start again; nothing is lost. See restart-strategy.type',
        cause,
      });
    }
    await this.platform.scheduler.sleep(ms, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  private nextPause(): number | null {
    const { config, failures } = this;
    if (config.kind === 'none') return null;
    if (config.kind === 'fixed-delay') return failures > config.attempts ? null : config.delayMs;
    if (config.attemptsBeforeReset !== null && failures > config.attemptsBeforeReset) return null;
    if (failures === 1) return FIRST_PAUSE_MS;
    const grown = config.initialBackoffMs * config.backoffMultiplier ** (failures - 2);
    const jitter = 1 + (this.platform.random.next() * 2 - 1) * config.jitterFactor;
    return Math.min(config.maxBackoffMs, grown) * jitter;
  }
}
