import type { TidemarkError } from '../errors';

/** What is different in the replay: one more record is marked as bad, or the epoch is smaller (`bad-state-search.ts`). */
export type ReplayWith = 'record-marked' | 'fewer-records';

/** The epoch must be dropped and replayed; nothing of it was sent. */
export class ReplayNeeded extends Error {
  override readonly name = 'ReplayNeeded';
  readonly reason: TidemarkError;
  readonly replayWith: ReplayWith;

  constructor(reason: TidemarkError, replayWith: ReplayWith) {
    super(reason.message, { cause: reason });
    this.reason = reason;
    this.replayWith = replayWith;
  }
}
