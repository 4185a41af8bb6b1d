import type { ByteWriter } from '../util/byte-writer';
import type { Serde } from './serde';
import { cannotSerialize, kindOf } from './serialize-error';

const BYTES = 8;

const NUMBER_SERDE: Serde<number> = Object.freeze({
  name: 'number',
  write(value: number, out: ByteWriter): void {
    if (typeof value !== 'number')
      throw cannotSerialize('number()', `expected a number, got ${kindOf(value)}`);
    out.f64(value);
  },
  read(bytes: Buffer, start: number, end: number): number {
    if (end - start !== BYTES)
      throw new RangeError(`a number has ${BYTES} bytes, this value has ${end - start}`);
    return bytes.readDoubleBE(start);
  },
});

/**
 * A number as 8 bytes: an IEEE 754 double, big-endian, the bytes of Kafka's DoubleSerializer. Not readable as text,
 * and not what a LongSerializer writes: use {@link json} for text, {@link serde} for 64-bit integers.
 *
 * @throws {TidemarkError} TM3005 on writing anything but a number
 */
export function number(): Serde<number> {
  return NUMBER_SERDE;
}
