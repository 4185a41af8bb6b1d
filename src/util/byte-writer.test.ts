import fc from 'fast-check';
import { ByteWriter, copyBytes } from './byte-writer';

describe('ByteWriter', () => {
  test('writes big-endian numbers one behind the other', () => {
    const out = new ByteWriter(1);
    out.u8(0xfe);
    out.u16(0xabcd);
    out.i32(-2);
    out.i64(-3n);
    out.f64(1.5);
    expect(out.toBuffer().toString('hex')).toBe(
      'fe' + 'abcd' + 'fffffffe' + 'fffffffffffffffd' + '3ff8000000000000',
    );
    expect(out.position).toBe(23);
  });

  test('writes any text as UTF-8, short or long', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 60 })), (texts) => {
        const out = new ByteWriter(4);
        for (const text of texts) out.utf8(text);
        expect(out.toBuffer()).toEqual(
          Buffer.from(texts.map((text) => Buffer.from(text).toString()).join('')),
        );
      }),
    );
  });

  test('leaves no trace of a short text that turns out not to be ASCII', () => {
    const out = new ByteWriter();
    out.utf8('abcdé');
    out.utf8('f');
    expect(out.toBuffer().toString()).toBe('abcdéf');
  });

  test('writes any range of bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), fc.nat(100), (bytes, a, b) => {
        const start = Math.min(a, b, bytes.length);
        const end = Math.min(Math.max(a, b), bytes.length);
        const out = new ByteWriter(2);
        out.u8(7);
        out.bytes(bytes, start, end);
        out.bytes(bytes);
        const expected = [Buffer.from([7]), bytes.subarray(start, end), bytes];
        expect(out.toBuffer()).toEqual(Buffer.concat(expected));
      }),
    );
  });

  test('writes unsigned LEB128 below 2^53', () => {
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeNat(), fc.nat(300)), (value) => {
        const out = new ByteWriter(1);
        out.uvarint(value);
        let read = 0n;
        out.toBuffer().forEach((byte, index) => (read |= BigInt(byte & 0x7f) << BigInt(7 * index)));
        expect(read).toBe(BigInt(value));
        expect(out.position).toBe(Math.max(1, Math.ceil(BigInt(value).toString(2).length / 7)));
      }),
    );
  });

  test('keeps what was written when it grows, and forgets it at reset', () => {
    const out = new ByteWriter(4);
    out.i32(1);
    const small = out.buffer;
    out.i32(2);
    expect(out.buffer).not.toBe(small);
    expect(out.toBuffer().toString('hex')).toBe('0000000100000002');
    const grown = out.buffer;
    out.reset();
    out.u8(3);
    expect(out.buffer).toBe(grown);
    expect(out.toBuffer()).toEqual(Buffer.from([3]));
  });
});

test('copyBytes copies from a view at its own offset', () => {
  const source = Buffer.from('..0123456789abcdefghijklmnopqrstuvwxyz').subarray(2);
  for (const end of [10, 36]) {
    const target = Buffer.alloc(40, '-');
    expect(copyBytes(source, 3, end, target, 2)).toBe(2 + end - 3);
    expect(target.toString()).toBe(`--${source.toString().slice(3, end)}`.padEnd(40, '-'));
  }
});
