import type { ByteWriter } from '../util/byte-writer';
import type { Serde } from './serde';
import { cannotSerialize } from './serialize-error';

const NO_JSON = 'convert it first, or use another serde';

function stringify(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'JSON.stringify failed';
    throw cannotSerialize('json()', why.split('\n', 1)[0] ?? why, NO_JSON, cause);
  }
  // Undefined, functions and symbols have no JSON text; an empty record would be unreadable for everybody.
  if (text === undefined)
    throw cannotSerialize('json()', `a value of type ${typeof value} has no JSON form`, NO_JSON);
  return text;
}

const JSON_SERDE: Serde<unknown> = Object.freeze({
  name: 'json',
  write(value: unknown, out: ByteWriter): void {
    out.utf8(stringify(value));
  },
  read(bytes: Buffer, start: number, end: number): unknown {
    return JSON.parse(bytes.toString('utf8', start, end));
  },
});

/**
 * JSON as UTF-8 text. `T` is believed, not checked: validate in a `map` or `filter` when the input is not trusted.
 * Dates become strings, `undefined` properties vanish, NaN and infinities become null, as in JSON.stringify.
 *
 * @throws {TidemarkError} TM3005 on writing undefined, a function, a bigint or a cyclic object
 */
export function json<T = unknown>(): Serde<T> {
  return JSON_SERDE as Serde<T>;
}
