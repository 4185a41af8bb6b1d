import { setImmediate as turn } from 'node:timers/promises';
import type { Cancel, Clock, Platform, Random, Scheduler } from '../../../util/ports';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

/** Turns of the event loop in which pending promises get to run; chains in these tests are far shorter. */
const SETTLE_TURNS = 3;

/** Time that stands still until a test moves it, and chance without chance. */
export class VirtualPlatform implements Platform {
  readonly clock: Clock;
  readonly random: Random;
  readonly scheduler: Scheduler;
  private time = 0;
  private order = 0;
  private readonly timers = new Set<Timer>();

  constructor() {
    this.clock = { now: () => 1_700_000_000_000 + this.time, monotonic: () => this.time };
    this.random = { next: () => 0.5, id: () => (this.order++).toString(16).padStart(32, '0') };
    this.scheduler = {
      after: (ms, fn) => this.after(ms, fn),
      sleep: (ms) => new Promise((resolve) => void this.after(ms, resolve)),
      yield: () => turn(),
    };
  }

  /** Timers that wait: none may be left behind by what was closed. */
  pendingTimers(): number {
    return this.timers.size;
  }

  /** Lets everything run that needs no time. */
  async settle(): Promise<void> {
    for (let i = 0; i < SETTLE_TURNS; i++) await turn();
  }

  /** Moves time forward, timer by timer. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await this.settle();
    for (let next = this.next(end); next !== null; next = this.next(end)) {
      this.timers.delete(next);
      this.time = Math.max(this.time, next.at);
      next.fn();
      await this.settle();
    }
    this.time = end;
  }

  /** Moves time as a stopped process sees it: nothing runs until it is over. */
  freeze(ms: number): void {
    this.time += ms;
  }

  /** Moves time until the promise is settled, at most by `limitMs`. */
  async until<T>(promise: Promise<T>, limitMs = 600_000): Promise<T> {
    let pending = true;
    const watched = promise.finally(() => (pending = false));
    watched.catch(() => undefined);
    const end = this.time + limitMs;
    await this.settle();
    while (pending) {
      const next = this.next(end);
      if (next === null)
        throw new Error(`still pending, and nothing more happens within ${limitMs} virtual ms`);
      await this.advance(Math.max(0, next.at - this.time));
    }
    return watched;
  }

  private next(end: number): Timer | null {
    let first: Timer | null = null;
    for (const timer of this.timers) {
      if (timer.at > end) continue;
      if (first === null || timer.at < first.at || (timer.at === first.at && timer.order < first.order))
        first = timer;
    }
    return first;
  }

  private after(ms: number, fn: () => void): Cancel {
    const timer = { at: this.time + ms, order: this.order++, fn };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }
}
