import fc from 'fast-check';
import { crc32c } from './crc32c';

function bitwise(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

const ascending = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const iscsiRead =
  '01c00000000000000000000000000000' +
  '14000000000004000000001400000018' +
  '28000000000000000200000000000000';

describe('crc32c', () => {
  // RFC 3720, appendix B.4, and the check value of the CRC catalogue.
  test.each([
    ['the digits', Buffer.from('123456789'), 0xe3069283],
    ['nothing', Buffer.alloc(0), 0],
    ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['ascending', ascending, 0x46dd794e],
    ['descending', Buffer.from(ascending).reverse(), 0x113fdb5c],
    ['an iSCSI read command', Buffer.from(iscsiRead, 'hex'), 0xd9963a56],
  ])('of %s', (_name, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  test('equals the definition for every length, at every alignment', () => {
    const lengths = fc.uint8Array({ maxLength: 300, size: 'max' });
    fc.assert(
      fc.property(lengths, fc.nat(20), fc.nat(20), (bytes, before, after) => {
        const buffer = Buffer.concat([Buffer.alloc(before, 1), bytes, Buffer.alloc(after, 2)]);
        expect(crc32c(buffer, before, before + bytes.length)).toBe(bitwise(bytes));
      }),
    );
  });

  test('respects the offset of a view', () => {
    const bytes = Buffer.alloc(500, 'view');
    expect(crc32c(bytes.subarray(3), 2, 400)).toBe(bitwise(bytes.subarray(5, 403)));
  });
});
