import { TidemarkError } from '../errors';
import { kindOf } from '../serde/serialize-error';
import type { StateKey } from '../state/store';

/**
 * What a keyBy's selector returned, if it can be a key.
 * Kafka Streams drops records without a key; here the bad-input policy decides, because a dropped record is a lost one.
 *
 * @throws {TidemarkError} TM3002 for null, undefined, objects and NaN
 */
export function checkedKey(key: unknown, keyBy: string): StateKey {
  if (typeof key === 'string') return key;
  if (typeof key === 'number' && !Number.isNaN(key)) return key;
  if (typeof key === 'bigint' || typeof key === 'boolean') return key;
  if (Array.isArray(key)) return checkedTuple(key, keyBy);
  throw notAKey(key, keyBy);
}

function checkedTuple(tuple: readonly unknown[], keyBy: string): StateKey {
  if (tuple.length === 0) throw notAKey(tuple, keyBy);
  for (const part of tuple) if (Array.isArray(checkedKey(part, keyBy))) throw notAKey(part, keyBy);
  return tuple as StateKey;
}

function notAKey(key: unknown, keyBy: string): TidemarkError {
  const found = Number.isNaN(key) ? 'NaN' : kindOf(key);
  return new TidemarkError('TM3002', 'stop', `keyBy '${keyBy}': the selector returned ${found}`, {
    hint: 'a key is a string, number, bigint, boolean or a tuple of these; filter records without one first',
  });
}
