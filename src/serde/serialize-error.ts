import { TidemarkError } from '../errors';

/** The error of a serde that was handed a value it cannot write: TM3005, decided by the bad-input policy. */
export function cannotSerialize(serde: string, why: string, hint?: string, cause?: unknown): TidemarkError {
  return new TidemarkError('TM3005', 'stop', `${serde}: ${why}`, {
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What a value is, in a word, for messages that must not print the value itself. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'undefined') return 'undefined';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
