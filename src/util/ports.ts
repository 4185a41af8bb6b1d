/**
 * Time, chance and scheduling as ports: nothing in epoch, state, checkpoint, kafka or runtime reads the real clock,
 * so that a simulation can drive the very same classes (DESIGN §6). The real ones are in `system.ts`.
 */
export interface Clock {
  /** Wall-clock time, milliseconds since 1970. May step. For timestamps only, never to measure a duration. */
  now(): number;
  /** Monotonic time in milliseconds, with fractions. For durations and deadlines. */
  monotonic(): number;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A random identifier of 128 bits, in hexadecimal. */
  id(): string;
}

/** Cancels what it was returned for; harmless when that has already happened. */
export type Cancel = () => void;

export interface Scheduler {
  /** Runs `fn` once after `ms` milliseconds, unless cancelled. */
  after(ms: number, fn: () => void): Cancel;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when `signal` aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Resolves after pending I/O callbacks have run: lets the event loop breathe. */
  yield(): Promise<void>;
}

/** The three ports together: what a component takes that needs any of them. */
export interface Platform {
  readonly clock: Clock;
  readonly random: Random;
  readonly scheduler: Scheduler;
}
