import type { TidemarkError } from '../errors';
import { tpKey } from '../kafka/port';
import type { BadInputPolicy } from '../topology/graph';

/**
 * Marks kept at the most; beyond it the oldest of a partition go, and would be found bad again. An epoch ends behind
 * each, so that a replay meets one or two.
 */
const MAX_MARKS_PER_PARTITION = 100;

/** Records that broke an operator: known in the replay of their epoch, so that none of their effects comes out. */
export class BadRecords {
  /** Set aside since the start of this executor, committed or not; a record counts once, however often it is replayed. */
  readonly counts = { skipped: 0, deadLettered: 0 };
  /** By partition, the offset behind the last record that was counted. */
  private readonly countedUpTo = new Map<string, number>();
  private readonly marks = new Map<string, Map<number, TidemarkError>>();

  add(topic: string, partition: number, offset: number, error: TidemarkError): void {
    const key = tpKey(topic, partition);
    let marks = this.marks.get(key);
    if (marks === undefined) this.marks.set(key, (marks = new Map<number, TidemarkError>()));
    marks.set(offset, error);
    if (marks.size > MAX_MARKS_PER_PARTITION) {
      const [oldest] = marks.keys();
      if (oldest !== undefined) marks.delete(oldest);
    }
  }

  /** By offset; undefined when none is known: the usual case costs one look-up a slice. */
  in(topic: string, partition: number): ReadonlyMap<number, TidemarkError> | undefined {
    return this.marks.size === 0 ? undefined : this.marks.get(tpKey(topic, partition));
  }

  count(topic: string, partition: number, offset: number, policy: BadInputPolicy['kind']): void {
    const key = tpKey(topic, partition);
    if (offset < (this.countedUpTo.get(key) ?? 0)) return;
    this.countedUpTo.set(key, offset + 1);
    if (policy === 'skip') this.counts.skipped++;
    else this.counts.deadLettered++;
  }
}
