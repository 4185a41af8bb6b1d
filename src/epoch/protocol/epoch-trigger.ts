/**
 * When an epoch ends (DESIGN §3.2): the first of interval, drained input, dirty or output bytes over their limit,
 * a revocation, a shutdown. Pure: facts in, decision out.
 */
export interface EpochLimits {
  /** `execution.epoch.interval`, milliseconds. */
  readonly intervalMs: number;
  /** `execution.epoch.min-interval`: the least gap between two commits of drained input. */
  readonly minIntervalMs: number;
  readonly maxDirtyBytes: number;
  readonly maxOutputBytes: number;
}

export interface EpochFacts {
  /** Monotonic milliseconds. */
  readonly now: number;
  /** When the first record of this epoch was processed; null: the epoch is empty. */
  readonly startedAt: number | null;
  /** When the last commit ended; -Infinity before the first. */
  readonly lastCommitEndedAt: number;
  /** Smoothed duration of a commit, milliseconds. */
  readonly commitDurationMs: number;
  /** A commit is on its way: the next epoch may be processed, not sent. */
  readonly commitInFlight: boolean;
  /** Nothing is buffered and every input is read to its last stable offset. */
  readonly drained: boolean;
  readonly dirtyBytes: number;
  readonly outputBytes: number;
  /** A record that broke an earlier attempt has been passed (I2): the next one must find this one committed. */
  readonly mustEnd: boolean;
  readonly revoking: boolean;
  readonly stopping: boolean;
}

export type EpochEnd =
  'interval' | 'drained' | 'dirty-bytes' | 'output-bytes' | 'bad-record' | 'revocation' | 'shutdown';

export type EpochDecision =
  /** Go on processing. `recheckAt`: monotonic time at which the decision changes by itself. */
  | { readonly kind: 'process'; readonly recheckAt: number }
  /** The epoch is full and the last one is still being committed: process nothing further (I6). */
  | { readonly kind: 'wait-for-commit' }
  | { readonly kind: 'end'; readonly reason: EpochEnd };

/** Commits of drained input are at least this many commit durations apart, so that commits use at most half the time. */
export const DRAINED_GAP_IN_COMMITS = 2;

export function decideEpoch(facts: EpochFacts, limits: EpochLimits): EpochDecision {
  if (facts.startedAt === null) return { kind: 'process', recheckAt: Infinity };
  const reason = dueReason(facts, limits);
  if (reason === null) return { kind: 'process', recheckAt: nextCheck(facts, limits) };
  if (!facts.commitInFlight) return { kind: 'end', reason };
  const mayGoOn = reason === 'interval' || reason === 'drained';
  return mayGoOn ? { kind: 'process', recheckAt: Infinity } : { kind: 'wait-for-commit' };
}

function dueReason(facts: EpochFacts, limits: EpochLimits): EpochEnd | null {
  if (facts.stopping) return 'shutdown';
  if (facts.revoking) return 'revocation';
  if (facts.mustEnd) return 'bad-record';
  if (facts.dirtyBytes >= limits.maxDirtyBytes) return 'dirty-bytes';
  if (facts.outputBytes >= limits.maxOutputBytes) return 'output-bytes';
  if (facts.now - (facts.startedAt ?? facts.now) >= limits.intervalMs) return 'interval';
  if (facts.drained && facts.now >= drainedCommitAt(facts, limits)) return 'drained';
  return null;
}

function drainedCommitAt(facts: EpochFacts, limits: EpochLimits): number {
  const gap = Math.max(limits.minIntervalMs, DRAINED_GAP_IN_COMMITS * facts.commitDurationMs);
  // A commit that began `gap` after the last one began leaves as much time free as it takes.
  return facts.lastCommitEndedAt - facts.commitDurationMs + gap;
}

function nextCheck(facts: EpochFacts, limits: EpochLimits): number {
  const byInterval = (facts.startedAt ?? facts.now) + limits.intervalMs;
  return facts.drained ? Math.min(byInterval, drainedCommitAt(facts, limits)) : byInterval;
}

/** Exponentially smoothed commit duration: one slow commit must not hold the rhythm for long. */
export function smoothCommitDuration(previous: number, measured: number): number {
  return previous === 0 ? measured : previous * 0.8 + measured * 0.2;
}
