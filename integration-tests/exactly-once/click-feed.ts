import type { Judge } from '../judge/judge';

export interface ClickFeedOptions {
  readonly judge: Judge;
  readonly topic: string;
  /** All clicks that there will be. */
  readonly clicks: number;
  readonly users: number;
  /** Share of them that {@link ClickFeed.begin} writes. */
  readonly firstShare: number;
  /** The rest comes in so many slices. */
  readonly slices: number;
}

/**
 * Writes an exact number of clicks, a first part at once and the rest slice by slice, so that a job that was quicker
 * than thought can still be given something to do. Every slice has a seed of its own.
 */
export class ClickFeed {
  /** Clicks written so far. */
  written = 0;
  private readonly options: ClickFeedOptions;
  private calls = 0;

  constructor(options: ClickFeedOptions) {
    this.options = options;
  }

  get exhausted(): boolean {
    return this.written >= this.options.clicks;
  }

  begin(): Promise<void> {
    return this.write(Math.ceil(this.options.clicks * this.options.firstShare));
  }

  /** One slice more; nothing when all are written. */
  async more(): Promise<void> {
    const { clicks, firstShare, slices } = this.options;
    await this.write(Math.ceil((clicks * (1 - firstShare)) / slices));
  }

  async finish(): Promise<void> {
    await this.write(this.options.clicks);
  }

  private async write(wanted: number): Promise<void> {
    const { judge, topic, clicks, users } = this.options;
    const count = Math.min(wanted, clicks - this.written);
    if (count <= 0) return;
    this.calls++;
    const { records } = await judge.produceClicks({ topic, count, users, seed: 1000 + this.calls });
    this.written += records;
  }
}
