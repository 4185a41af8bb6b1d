import { isTidemarkError, TidemarkError } from '../errors';

/**
 * A changed value of a store that cannot be written: its serde threw, or it is larger than its changelog takes. Values are
 * encoded when the epoch ends, so that no single record is named yet: the runtime looks for it (`bad-state-search.ts`).
 */
export class UnwritableState extends Error {
  override readonly name = 'UnwritableState';
  /** TM3003 or TM3005, without a place. */
  readonly reason: TidemarkError;

  constructor(what: string, cause: unknown) {
    const why = cause instanceof Error || isTidemarkError(cause) ? cause.message : String(cause);
    const code = isTidemarkError(cause) && cause.code === 'TM3003' ? cause.code : 'TM3005';
    super(`${what} cannot be written: ${why}`, { cause });
    this.reason = new TidemarkError(code, 'stop', this.message, {
      hint: 'keep less in one value, or correct the serde or the operator; bad-input.policy can pass the record by',
      cause,
    });
  }
}
