import type { ByteWriter } from '../util/byte-writer';
import type { Serde } from './serde';
import { cannotSerialize, kindOf } from './serialize-error';

const BYTES_SERDE: Serde<Buffer> = Object.freeze({
  name: 'bytes',
  write(value: Buffer, out: ByteWriter): void {
    // A plain Uint8Array is as good, and `instanceof` is false for one of another realm.
    if (!ArrayBuffer.isView(value))
      throw cannotSerialize('bytes()', `expected a Buffer, got ${kindOf(value)}`);
    out.bytes(value);
  },
  read(bytes: Buffer, start: number, end: number): Buffer {
    return Buffer.from(bytes.subarray(start, end));
  },
});

/**
 * The bytes as they are. Reading copies them, so that a kept value does not pin the fetch it came from.
 *
 * @throws {TidemarkError} TM3005 on writing anything but a Buffer or Uint8Array
 */
export function bytes(): Serde<Buffer> {
  return BYTES_SERDE;
}
