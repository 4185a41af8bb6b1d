import type { ErrorCode } from './codes';

/**
 * What the runtime does about an error; the only thing that callers switch over.
 * - `usage`: refuse to start, exit code 2
 * - `stop`: the job fails, exit code 1; the restart strategy may not retry it
 * - `retry`: the same request may be sent again after a pause
 * - `abort-epoch`: drop all that the epoch touched, fence, reload from the log, replay (PROTOCOL A4, A5)
 * - `rejoin`: as `abort-epoch`, and the membership is gone: join the group anew
 */
export type Reaction = 'usage' | 'stop' | 'retry' | 'abort-epoch' | 'rejoin';

export interface ErrorDetails {
  /** Where it happened: topic-partition@offset, file:line, option name … */
  readonly where?: string;
  /** What the reader should do now. */
  readonly hint?: string;
  readonly cause?: unknown;
}

const BRAND = Symbol.for('tidemark.error');

/**
 * Every error that Tidemark raises on purpose: a stable code, one sentence of what, where and what to do, and what
 * the runtime does about it. Recognise it with {@link isTidemarkError}: `instanceof` is false across realms.
 */
export class TidemarkError extends Error {
  override readonly name = 'TidemarkError';
  readonly code: ErrorCode;
  readonly reaction: Reaction;
  readonly where: string | undefined;
  readonly hint: string | undefined;
  readonly [BRAND] = true;

  constructor(code: ErrorCode, reaction: Reaction, what: string, details: ErrorDetails = {}) {
    super(what, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.reaction = reaction;
    this.where = details.where;
    this.hint = details.hint;
  }

  /** `TM1234 what (where): what to do.` on one line. */
  describe(): string {
    const where = this.where === undefined ? '' : ` (${this.where})`;
    const hint = this.hint === undefined ? '' : `: ${this.hint}`;
    return `${this.code} ${this.message}${where}${hint}`;
  }
}

/** Code, message and hint of an error under another reaction or place. `cause` is by default the error itself. */
export function restated(
  error: TidemarkError,
  change: { readonly reaction?: Reaction; readonly where?: string; readonly cause?: unknown },
): TidemarkError {
  const where = change.where ?? error.where;
  return new TidemarkError(error.code, change.reaction ?? error.reaction, error.message, {
    ...(where === undefined ? {} : { where }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: change.cause ?? error,
  });
}

/** Whether `error` is a {@link TidemarkError}, also one of another copy of this package or of another realm. */
export function isTidemarkError(error: unknown): error is TidemarkError {
  return typeof error === 'object' && error !== null && (error as Record<symbol, unknown>)[BRAND] === true;
}
