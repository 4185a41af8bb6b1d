import { TidemarkError } from '../errors';
import type { Clock } from '../util/ports';
import type { TopicFacts } from './topic-facts';

/** A margin for the difference between our clock and the broker's. */
const CLOCK_MARGIN_MS = 60_000;
/** Brokers take a record without a timestamp whatever the topic's bounds are. */
const NO_TIMESTAMP = -1;

/** The timestamps that one topic's broker accepts right now. */
export class TopicBounds {
  min = 0;
  max = Infinity;
  private readonly topic: string;
  private readonly beforeMs: number;
  private readonly afterMs: number;

  constructor(topic: string, beforeMs: number, afterMs: number) {
    this.topic = topic;
    this.beforeMs = beforeMs;
    this.afterMs = afterMs;
  }

  refresh(now: number): void {
    this.min = Math.max(0, now - this.beforeMs + Math.min(CLOCK_MARGIN_MS, this.beforeMs / 10));
    this.max = now + this.afterMs - Math.min(CLOCK_MARGIN_MS, this.afterMs / 10);
  }

  /** The timestamp itself, or the nearest that the broker accepts. */
  nearest(timestamp: number): number {
    return Math.min(Math.max(timestamp, this.min), this.max);
  }

  /**
   * A record that the broker would refuse (INVALID_TIMESTAMP) would fail its epoch again and again: it is bad input
   * (PROTOCOL A8). @throws {TidemarkError} TM3006
   */
  check(timestamp: number): void {
    if ((timestamp >= this.min && timestamp <= this.max) || timestamp === NO_TIMESTAMP) return;
    const side = timestamp < this.min ? 'older' : 'newer';
    throw new TidemarkError(
      'TM3006',
      'stop',
      `timestamp ${timestamp} is ${side} than topic ${this.topic} accepts`,
      {
        hint: `set message.timestamp.before.max.ms and message.timestamp.after.max.ms of ${this.topic}, or correct the producer`,
      },
    );
  }
}

/** The bounds of every sink topic, refreshed from the clock now and then and not for every record. */
export class TimestampBounds {
  private readonly bounds = new Map<string, TopicBounds>();
  private readonly clock: Clock;
  private refreshedAt = -Infinity;

  constructor(topics: TopicFacts, clock: Clock) {
    this.clock = clock;
    for (const { topic, timestampBounds } of topics.all()) {
      const { beforeMs, afterMs } = timestampBounds ?? { beforeMs: Infinity, afterMs: Infinity };
      this.bounds.set(topic, new TopicBounds(topic, beforeMs, afterMs));
    }
    this.refresh();
  }

  of(topic: string): TopicBounds {
    const bounds = this.bounds.get(topic);
    if (bounds === undefined) throw new Error(`no bounds for ${topic}`);
    return bounds;
  }

  /** Cheap enough for every slice of work: recomputes once a second. */
  refresh(): void {
    const at = this.clock.monotonic();
    if (at - this.refreshedAt < 1000) return;
    this.refreshedAt = at;
    const now = this.clock.now();
    for (const bounds of this.bounds.values()) bounds.refresh(now);
  }
}
