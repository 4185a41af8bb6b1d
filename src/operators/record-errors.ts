import { isTidemarkError, restated, TidemarkError } from '../errors';
import { AssertionError } from '../util/asserts';
import type { RecordContext } from './operator';

/** `topic-partition@offset`: how every message names a record. */
export function whereOf(ctx: RecordContext): string {
  return `${ctx.topic}-${ctx.partition}@${ctx.offset}`;
}

/** What `part` of the record could not be read: TM3001, decided by the bad-input policy. */
export function decodeFailure(
  part: 'key' | 'value',
  serde: string,
  cause: unknown,
  ctx: RecordContext,
): TidemarkError {
  return new TidemarkError('TM3001', 'stop', `the ${part} is not readable as ${serde}: ${messageOf(cause)}`, {
    where: whereOf(ctx),
    hint: 'correct the serde or the producer, or set bad-input.policy to skip or dead-letter',
    cause,
  });
}

/**
 * What an operator chain threw, as the runtime may see it: TM3002 around anything of the user's; errors of Tidemark as
 * they are, with the place when they concern a record and have none; bugs untouched, so that no policy skips them.
 */
export function operatorFailure(cause: unknown, ctx: RecordContext): unknown {
  if (cause instanceof AssertionError) return cause;
  // Effects may lie before it: only what the runtime itself could not read may be set aside on the spot.
  if (isTidemarkError(cause) && cause.code !== 'TM3001') return located(cause, ctx);
  return new TidemarkError('TM3002', 'stop', `an operator threw: ${messageOf(cause)}`, {
    where: whereOf(ctx),
    hint: 'correct the operator or the record, or set bad-input.policy to skip or dead-letter',
    cause,
  });
}

function located(error: TidemarkError, ctx: RecordContext): TidemarkError {
  if (error.where !== undefined || !error.code.startsWith('TM3')) return error;
  return restated(error, { where: whereOf(ctx) });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error || isTidemarkError(cause) ? cause.message : String(cause);
}
