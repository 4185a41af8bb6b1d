import type { Platform, Random } from '../../util/ports';
import type { TidemarkError } from '../../errors';

export interface BackoffRange {
  /** Milliseconds before the first retry. */
  readonly initialMs: number;
  /** Milliseconds that no pause exceeds before jitter. */
  readonly maxMs: number;
}

/** 20 ms outlasts no leader election by much, 1 s keeps a cluster that is down from being hammered. */
export const DEFAULT_BACKOFF: BackoffRange = { initialMs: 20, maxMs: 1000 };

/**
 * The pause before retry number `attempt` (from 0): doubles each time up to the maximum, then jittered by ±20 % so
 * that executors that failed together do not return together.
 */
export function backoffMs(attempt: number, random: Random, range: BackoffRange = DEFAULT_BACKOFF): number {
  const doubled = Math.min(range.maxMs, range.initialMs * 2 ** Math.min(attempt, 30));
  return doubled * (0.8 + 0.4 * random.next());
}

/** What one attempt came to: done, or worth another one (and what to throw when time is up). */
export type Attempt<T> = { readonly done: T } | { readonly again: TidemarkError };

export interface RetryOptions {
  readonly platform: Platform;
  /** Milliseconds from now after which no further attempt starts. */
  readonly deadlineMs: number;
  readonly range?: BackoffRange;
}

/**
 * Repeats `attempt` with growing pauses until it is done.
 * @throws the error of the last attempt when the deadline has passed; whatever an attempt throws, at once
 */
export async function retryUntil<T>(options: RetryOptions, attempt: () => Promise<Attempt<T>>): Promise<T> {
  const { clock, random, scheduler } = options.platform;
  const deadline = clock.monotonic() + options.deadlineMs;
  for (let count = 0; ; count++) {
    const outcome = await attempt();
    if ('done' in outcome) return outcome.done;
    const pause = backoffMs(count, random, options.range);
    if (clock.monotonic() + pause > deadline) throw outcome.again;
    await scheduler.sleep(pause);
  }
}
