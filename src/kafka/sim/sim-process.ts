import type { Cancel, Clock, Platform, Random, Scheduler } from '../../util/ports';
import type { SimPlatform } from './sim-platform';
import { schedulerOn } from './virtual-scheduler';

/**
 * One process of the simulated world: its timers and the answers to its requests reach it only while it runs.
 *
 * ```
 *   running --- freeze (SIGSTOP) ---> frozen
 *      ^  <---- thaw (SIGCONT) -------  |
 *      +------------ kill (SIGKILL) ----+---> dead
 * ```
 * A dead one never goes on: what it awaits is never settled. What it has sent is on its way all the same.
 */
export class SimProcess implements Platform {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly scheduler: Scheduler;
  private readonly world: SimPlatform;
  private readonly deaths: (() => void)[] = [];
  private state: 'running' | 'frozen' | 'dead' = 'running';
  private held: (() => void)[] = [];
  private wallClockOffset = 0;

  constructor(name: string, world: SimPlatform) {
    this.name = name;
    this.world = world;
    this.random = world.random;
    this.clock = {
      now: () => world.clock.now() + this.wallClockOffset,
      monotonic: () => world.clock.monotonic(),
    };
    this.scheduler = schedulerOn((ms, fn) => this.after(ms, fn));
  }

  get alive(): boolean {
    return this.state !== 'dead';
  }

  /** SIGSTOP: nothing runs, time goes on. */
  freeze(): void {
    if (this.state === 'running') this.state = 'frozen';
  }

  /** SIGCONT: all that was due meanwhile happens now, in its order. */
  thaw(): void {
    if (this.state !== 'frozen') return;
    this.state = 'running';
    const due = this.held;
    this.held = [];
    for (const fn of due) void this.world.after(0, () => this.deliver(fn));
  }

  /** SIGKILL. Its connections break. */
  kill(): void {
    if (this.state === 'dead') return;
    this.state = 'dead';
    this.held = [];
    for (const tell of this.deaths.splice(0)) tell();
  }

  /** Sets the wall clock forward or back; the monotonic one goes on. */
  stepClock(ms: number): void {
    this.wallClockOffset += ms;
  }

  /** Something reaches the process from outside. */
  deliver(fn: () => void): void {
    if (this.state === 'running') fn();
    else if (this.state === 'frozen') this.held.push(fn);
  }

  onKill(tell: () => void): void {
    this.deaths.push(tell);
  }

  private after(ms: number, fn: () => void): Cancel {
    let cancelled = false;
    const cancel = this.world.after(ms, () => this.deliver(() => void (cancelled || fn())));
    return () => {
      cancelled = true;
      cancel();
    };
  }
}
