import type { ByteWriter } from '../util/byte-writer';
import { json } from './json';
import type { Serde } from './serde';
import { cannotSerialize, kindOf } from './serialize-error';

const plainJson = json();

/**
 * The key of a sink that names no key serde: text that any Kafka tool shows. Strings stay as they are, bigints become
 * their decimal digits, numbers, booleans and tuples become JSON. It cannot tell `1` from `"1"`: a sink whose keys mix
 * types names a serde.
 */
export const sinkKey: Serde<unknown> = Object.freeze({
  name: 'text',
  write(value: unknown, out: ByteWriter): void {
    if (typeof value === 'string') out.utf8(value);
    else if (typeof value === 'bigint') out.utf8(value.toString());
    else if (typeof value === 'number' || typeof value === 'boolean' || Array.isArray(value)) {
      plainJson.write(value, out);
    } else {
      throw cannotSerialize('record key', `${kindOf(value)} needs a key serde`, 'give `key` to to()');
    }
  },
  read(bytes: Buffer, start: number, end: number): string {
    return bytes.toString('utf8', start, end);
  },
});
