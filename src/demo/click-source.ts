/** One synthetic click. */
export interface DemoClick {
  readonly userId: string;
  readonly page: string;
  readonly ts: number;
}

/**
 * A deterministic stream of clicks (mulberry32): the same seed gives the same clicks, so that a later reader can
 * recompute the truth instead of trusting what was counted.
 */
export class ClickSource {
  private state: number;
  private readonly users: number;

  constructor(seed: number, users: number) {
    this.state = seed;
    this.users = users;
  }

  /** Number of the next click's user, and its page. */
  next(): { readonly user: number; readonly page: number } {
    return { user: this.below(this.users), page: this.below(1000) };
  }

  private below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }
}

/** How many clicks each user has made: the truth that the job's output is held against. */
export function expectedCounts(seed: number, users: number, clicks: number): Uint32Array {
  const source = new ClickSource(seed, users);
  const counts = new Uint32Array(users);
  for (let i = 0; i < clicks; i++) counts[source.next().user]!++;
  return counts;
}
