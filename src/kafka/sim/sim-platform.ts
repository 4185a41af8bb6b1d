import { setImmediate as turn } from 'node:timers/promises';
import type { Cancel, Clock, Platform, Scheduler } from '../../util/ports';
import { EventQueue, type SimEvent } from './event-queue';
import { SeededRandom } from './seeded-random';
import { SimProcess } from './sim-process';
import { schedulerOn } from './virtual-scheduler';

export interface SimPlatformOptions {
  /** Decides every chance: one seed reproduces one run exactly. Default 1. */
  readonly seed?: number;
  /** Wall-clock time at the beginning, milliseconds since 1970. */
  readonly startAt?: number;
  /**
   * `auto` (default): whenever every promise waits, time jumps to the next timer.
   * `manual`: time stands still but in {@link SimPlatform.advance} and {@link SimPlatform.until}.
   */
  readonly mode?: 'auto' | 'manual';
}

const DEFAULT_START = Date.UTC(2024, 0, 1);
/** Times are multiples of 2^-10 ms, so that sums of them are exact and `now + wait` is never a hair too early. */
const TICKS_PER_MS = 1024;

/**
 * Time that passes only when nothing else can happen, and chance that a seed decides.
 *
 * Node runs all promise callbacks before it takes the next macrotask; so after one turn of the event loop whoever
 * can go on has gone on, and only timers are left. That holds as long as nothing waits for real input or output:
 * what runs on this platform takes memory for disks and {@link SimKafka} for brokers.
 */
export class SimPlatform implements Platform {
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly scheduler: Scheduler;
  private readonly startAt: number;
  private readonly auto: boolean;
  private readonly queue = new EventQueue();
  private time = 0;
  private order = 0;
  private events = 0;
  private pumping = false;
  private stopped = false;

  constructor(options: SimPlatformOptions = {}) {
    this.random = new SeededRandom(options.seed ?? 1);
    this.startAt = options.startAt ?? DEFAULT_START;
    this.auto = (options.mode ?? 'auto') === 'auto';
    this.clock = { now: () => Math.floor(this.startAt + this.time), monotonic: () => this.time };
    this.scheduler = schedulerOn((ms, fn) => this.after(ms, fn));
  }

  /** Timers that have fired: equal for two runs that are the same. */
  get eventCount(): number {
    return this.events;
  }

  /** A process of its own on this time: it can be stopped, killed, and its clock set. */
  process(name: string): SimProcess {
    return new SimProcess(name, this);
  }

  after(ms: number, fn: () => void): Cancel {
    const at = Math.ceil((this.time + Math.max(0, ms)) * TICKS_PER_MS) / TICKS_PER_MS;
    const event: SimEvent = { at, order: this.order++, fn, cancelled: false };
    if (this.stopped) return () => undefined;
    this.queue.push(event);
    if (this.auto && !this.pumping) void this.pump();
    return () => {
      event.cancelled = true;
    };
  }

  /** Resolves after exactly `ms`, fractions too: servers and networks are not bound to Node's timers. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  /** Lets `ms` pass, timer by timer. */
  async advance(ms: number): Promise<void> {
    if (this.auto) return this.wait(ms);
    const end = this.time + ms;
    await this.drive((next) => next !== null && next.at <= end);
    this.time = Math.max(this.time, end);
  }

  /**
   * Lets time pass until the promise is settled.
   * @throws {Error} when nothing more happens, or not within `limitMs`
   */
  async until<T>(promise: Promise<T>, limitMs = 24 * 3_600_000): Promise<T> {
    let settledAt: number | null = null;
    const settle = (): void => void (settledAt = this.time);
    promise.then(settle, settle);
    const end = this.time + limitMs;
    const mayGoOn = (next: SimEvent | null): boolean => {
      if (settledAt !== null && settledAt <= end) return false;
      if (settledAt === null && next === null) throw new Error('still pending, and nothing more happens');
      const time = settledAt ?? next?.at ?? end;
      if (time > end) throw new Error(`still pending after ${limitMs} virtual ms`);
      return true;
    };
    await (this.auto ? this.watch(mayGoOn) : this.drive(mayGoOn));
    return promise;
  }

  /** Lets everything run that needs no time. */
  async settle(): Promise<void> {
    await turn();
  }

  /** Forgets all timers and takes no more: nothing that ran here goes on. */
  stop(): void {
    this.stopped = true;
    this.queue.clear();
  }

  /** The one driver in auto mode: it ends when nobody has a timer, and begins with the next timer. */
  private async pump(): Promise<void> {
    this.pumping = true;
    await this.drive((next) => next !== null);
    this.pumping = false;
  }

  private async drive(mayGoOn: (next: SimEvent | null) => boolean): Promise<void> {
    await turn();
    for (let next = this.queue.peek(); mayGoOn(next) && next !== null; next = this.queue.peek()) {
      this.queue.pop();
      this.time = Math.max(this.time, next.at);
      this.events++;
      next.fn();
      await turn();
    }
  }

  /** While the pump drives. */
  private async watch(mayGoOn: (next: SimEvent | null) => boolean): Promise<void> {
    await turn();
    while (mayGoOn(this.queue.peek())) await turn();
  }
}
