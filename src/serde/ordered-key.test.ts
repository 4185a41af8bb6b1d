import fc from 'fast-check';
import { isTidemarkError } from '../errors';
import type { KeyPart, StateKey } from '../state/store';
import { ByteWriter } from '../util/byte-writer';
import { decodeStateKey, encodeStateKey, MAX_TUPLE_LENGTH } from './ordered-key';
import { MAX_BIGINT_BYTES } from './ordered-numbers';

function encode(key: StateKey): Buffer {
  const out = new ByteWriter(4);
  encodeStateKey(key, out);
  return out.toBuffer();
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return isTidemarkError(error) ? error.code : String(error);
  }
  return 'nothing thrown';
}

const limit = 2n ** BigInt(MAX_BIGINT_BYTES * 8) - 1n;
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom('\0', '\x01', '\x7f', '\xff', 'a', '\uffff', '😀'), maxLength: 8 }),
);
const double = fc.oneof(
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.constantFrom(-0, 0, Infinity, -Infinity),
);
const big = fc.oneof(fc.bigInt({ min: -limit, max: limit }), fc.bigInt({ min: -300n, max: 300n }));
const part: fc.Arbitrary<KeyPart> = fc.oneof(text, double, big, fc.boolean());
const key: fc.Arbitrary<StateKey> = fc.oneof(part, fc.array(part, { minLength: 1, maxLength: 4 }));

const RANKS = ['boolean', 'number', 'bigint', 'string'];

/** The order that the bytes must have, computed from the values alone. */
function compareParts(a: KeyPart, b: KeyPart): number {
  if (typeof a !== typeof b) return RANKS.indexOf(typeof a) - RANKS.indexOf(typeof b);
  if (typeof a !== 'string') return a < b ? -1 : a > b ? 1 : 0;
  const left = [...a];
  const right = [...(b as string)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i]!.codePointAt(0) ?? 0) - (right[i]!.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function compareKeys(a: StateKey, b: StateKey): number {
  const left = Array.isArray(a) ? (a as KeyPart[]) : undefined;
  const right = Array.isArray(b) ? (b as KeyPart[]) : undefined;
  if (left === undefined && right === undefined) return compareParts(a as KeyPart, b as KeyPart);
  if (left === undefined || right === undefined) return left === undefined ? -1 : 1;
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = compareParts(left[i]!, right[i]!);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

const plain = (value: StateKey): StateKey => (Object.is(value, -0) ? 0 : value);
const normalized = (value: StateKey): StateKey =>
  Array.isArray(value) ? (value as KeyPart[]).map((element) => plain(element) as KeyPart) : plain(value);

describe('ordered key', () => {
  it('comes back as it was, from the middle of a buffer too', () => {
    fc.assert(
      fc.property(key, fc.nat(5), (value, offset) => {
        const bytes = encode(value);
        const framed = Buffer.concat([Buffer.alloc(offset, 0x7f), bytes, Buffer.alloc(3, 0)]);
        expect(decodeStateKey(framed, offset, offset + bytes.length)).toEqual(normalized(value));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['any keys', key],
    ['strings', text],
    ['numbers', double],
    ['bigints', big],
  ])('sorts as its value: %s', (_name, arbitrary: fc.Arbitrary<StateKey>) => {
    fc.assert(
      fc.property(arbitrary, arbitrary, (a, b) => {
        expect(Math.sign(Buffer.compare(encode(a), encode(b)))).toBe(Math.sign(compareKeys(a, b)));
      }),
      { numRuns: 2000 },
    );
  });

  it('ends itself: no key is the beginning of another', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        const left = encode(a);
        const right = encode(b);
        fc.pre(!left.equals(right));
        expect(right.subarray(0, left.length).equals(left)).toBe(false);
      }),
    );
  });

  it('is durable: these bytes are in changelogs', () => {
    const golden: readonly [StateKey, string][] = [
      ['user-1', '40757365722d310001'],
      ['', '400001'],
      ['a\0b', '406100ff620001'],
      [0, '208000000000000000'],
      [-0, '208000000000000000'],
      [1.5, '20bff8000000000000'],
      [-1, '20400fffffffffffff'],
      [0n, '3080'],
      [255n, '3081ff'],
      [-256n, '307efeff'],
      [true, '11'],
      [false, '10'],
      [['a', 1n, false], '50406100013081011001'],
    ];
    for (const [value, hex] of golden) expect([value, encode(value).toString('hex')]).toEqual([value, hex]);
  });

  it.each<[string, unknown]>([
    ['NaN', NaN],
    ['a lone surrogate', 'a\ud800'],
    ['a lone surrogate in a long string', `${'x'.repeat(50)}\udc00`],
    ['a bigint beyond the limit', limit + 1n],
    ['a negative bigint beyond the limit', -limit - 1n],
    ['an empty tuple', []],
    ['an over-long tuple', Array.from({ length: MAX_TUPLE_LENGTH + 1 }, () => 1)],
    ['a nested tuple', [['a']]],
    ['undefined', undefined],
    ['null', null],
    ['an object', { id: 1 }],
  ])('refuses %s', (_name, value) => {
    expect(codeOf(() => encode(value as StateKey))).toBe('TM3005');
  });

  it.each([
    '',
    '00',
    '41',
    '40',
    '4061',
    '406100',
    '40610002',
    '2000',
    '30',
    '30c1',
    '308201',
    '50',
    '5001',
    '501011',
    '1010',
    '40000140',
  ])('refuses the bytes %s', (hex) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(codeOf(() => decodeStateKey(bytes, 0, bytes.length))).toBe('TM3001');
  });

  it('decodes any bytes to a key or an error, never beyond the end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (raw) => {
        const bytes = Buffer.from(raw);
        const code = codeOf(() => decodeStateKey(bytes, 0, bytes.length));
        expect(['TM3001', 'nothing thrown']).toContain(code);
      }),
      { numRuns: 3000 },
    );
  });
});
