import fc from 'fast-check';
import { VarintReader, varintSize, varlongSize, writeVarint, writeVarlong } from './varint';

const int32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
const nearPowerOfTwo = fc
  .tuple(fc.integer({ min: 0, max: 52 }), fc.integer({ min: -1, max: 1 }), fc.boolean())
  .map(([exponent, nudge, negative]) => (2 ** exponent + nudge) * (negative ? -1 : 1) + 0);
const safeInteger = fc.oneof(fc.maxSafeInteger(), nearPowerOfTwo, fc.integer({ min: -200, max: 200 }));

/** The definition, with 64-bit arithmetic. */
function reference(value: number): Buffer {
  let zigzag = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const bytes: number[] = [];
  for (; zigzag >= 0x80n; zigzag >>= 7n) bytes.push(Number(zigzag & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(zigzag)]);
}

function reader(bytes: Buffer): VarintReader {
  const result = new VarintReader(bytes);
  result.where = 'orders-0@7';
  result.reset(bytes, 0, bytes.length);
  return result;
}

describe('varint', () => {
  test('writes and reads every int32 as the definition does', () => {
    const edges = [0, -1, 1, 63, -64, 64, -65, 8191, -8192, 8192, -8193, 0x7fff_ffff, -0x8000_0000];
    const values = fc.oneof(int32, fc.constantFrom(...edges));
    fc.assert(
      fc.property(values, (value) => {
        const buffer = Buffer.alloc(12, 0xee);
        const end = writeVarint(buffer, 1, value);
        const written = buffer.subarray(1, end);
        expect(written).toEqual(reference(value));
        expect(varintSize(value)).toBe(written.length);
        const read = reader(written);
        expect(read.varint()).toBe(value);
        expect(read.position).toBe(written.length);
      }),
    );
  });

  test.each(['', '80', 'ffff', 'ffffffffff01'])('refuses %s, cut off or too long', (hex) => {
    expect(() => reader(Buffer.from(hex, 'hex')).varint()).toThrow(
      expect.objectContaining({ code: 'TM2006', where: 'orders-0@7' }),
    );
  });

  test('does not read behind the limit', () => {
    const bytes = Buffer.from('8001', 'hex');
    const limited = new VarintReader(bytes);
    limited.reset(bytes, 0, 1);
    expect(() => limited.varint()).toThrow(expect.objectContaining({ code: 'TM2006' }));
    limited.reset(bytes, 0, 1);
    expect(() => limited.varlong()).toThrow(expect.objectContaining({ code: 'TM2006' }));
    expect(() => limited.reset(bytes, 0, 3)).toThrow('inside the buffer');
  });
});

describe('varlong', () => {
  test('writes and reads every safe integer as the definition does', () => {
    fc.assert(
      fc.property(safeInteger, (value) => {
        const buffer = Buffer.alloc(12, 0xee);
        const end = writeVarlong(buffer, 1, value);
        const written = buffer.subarray(1, end);
        expect(written).toEqual(reference(value));
        expect(varlongSize(value)).toBe(written.length);
        const read = reader(written);
        expect(read.varlong()).toBe(value);
        expect(read.position).toBe(written.length);
      }),
      { numRuns: 1000 },
    );
  });

  test('accepts a number that takes more bytes than it needs', () => {
    expect(reader(Buffer.from('86808000', 'hex')).varlong()).toBe(3);
  });

  test.each([
    ['cut off', 'ffff'],
    ['more than ten bytes', 'ffffffffffffffffffff01'],
    ['2^53', reference(2 ** 53).toString('hex')],
    ['the smallest int64', 'ffffffffffffffffff01'],
  ])('refuses %s', (_name, hex) => {
    expect(() => reader(Buffer.from(hex, 'hex')).varlong()).toThrow(
      expect.objectContaining({ code: 'TM2006' }),
    );
  });
});
