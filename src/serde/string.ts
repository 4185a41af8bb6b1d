import type { ByteWriter } from '../util/byte-writer';
import type { Serde } from './serde';
import { cannotSerialize, kindOf } from './serialize-error';

const STRING_SERDE: Serde<string> = Object.freeze({
  name: 'string',
  write(value: string, out: ByteWriter): void {
    if (typeof value !== 'string')
      throw cannotSerialize('string()', `expected a string, got ${kindOf(value)}`);
    out.utf8(value);
  },
  read(bytes: Buffer, start: number, end: number): string {
    return bytes.toString('utf8', start, end);
  },
});

/**
 * Text as UTF-8. Bytes that are not UTF-8 and lone surrogates become U+FFFD, as Kafka's own string serde replaces
 * them: use {@link bytes} for anything that must come back unchanged.
 *
 * @throws {TidemarkError} TM3005 on writing anything but a string
 */
export function string(): Serde<string> {
  return STRING_SERDE;
}
