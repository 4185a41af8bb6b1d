import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Cancel, Clock, Platform, Random, Scheduler } from './ports';

/** The real clock, randomness and timers: the only file of the project that touches them. */
const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

const random: Random = { next: () => Math.random(), id: () => randomBytes(16).toString('hex') };

const scheduler: Scheduler = {
  after(ms: number, fn: () => void): Cancel {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await sleepFor(ms, undefined, signal === undefined ? {} : { signal });
  },
  yield: () => new Promise((resolve) => setImmediate(resolve)),
};

export const systemPlatform: Platform = { clock, random, scheduler };
