import { must } from '../util/asserts';
import type { TaskInput } from './task';

/** A search that has got on so far beyond the last failure is over. */
const RECORDS_OF_A_FREE_EPOCH = 65_536;

/** The record that was processed last. */
export interface Suspect {
  readonly input: TaskInput;
  readonly offset: number;
}

/**
 * Finds the record that left a state value which cannot be written. Values are encoded when the epoch ends, each once
 * however often it changed, so a failure there has as many suspects as the epoch has records. The epoch is dropped and
 * replayed in halves: what comes before the bad record gets committed, and at last it fails in an epoch of its own.
 * Behind it epochs grow again, each twice the one before.
 *
 * Invariant: an epoch never holds more records than {@link room} said when it began.
 */
export class BadStateSearch {
  private limit = Infinity;
  private taken = 0;
  private last: Suspect | null = null;

  /** How many more records the open epoch may hold. */
  get room(): number {
    return this.limit - this.taken;
  }

  took(records: number, input: TaskInput, offset: number): void {
    this.taken += records;
    if (records > 0 && this.limit !== Infinity) this.last = { input, offset };
  }

  /** The epoch of all that was taken could not be written. @returns the record to blame, or null: try with fewer */
  narrow(): Suspect | null {
    if (this.taken <= 1 && this.limit !== Infinity) return must(this.last, 'the only record of an epoch');
    this.limit = Math.max(1, Math.floor(this.taken / 2));
    return null;
  }

  /** What was taken is in an epoch that has ended. */
  epochEnded(): void {
    this.taken = 0;
    this.limit *= 2;
    if (this.limit > RECORDS_OF_A_FREE_EPOCH) this.limit = Infinity;
  }

  /** What was taken was dropped. */
  dropped(): void {
    this.taken = 0;
    this.last = null;
  }
}
