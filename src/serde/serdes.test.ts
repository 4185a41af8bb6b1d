import fc from 'fast-check';
import { isTidemarkError, type TidemarkError } from '../errors';
import { ByteWriter } from '../util/byte-writer';
import { bytes, json, number, serde, sinkKey, string, type Serde } from './index';

function written<T>(format: Serde<T>, value: T): Buffer {
  const out = new ByteWriter(2);
  out.u8(0x7e);
  format.write(value, out);
  return out.toBuffer().subarray(1);
}

function roundTrip<T>(format: Serde<T>, value: T): T {
  const encoded = written(format, value);
  const framed = Buffer.concat([Buffer.from('{"'), encoded, Buffer.from('"}')]);
  return format.read(framed, 2, 2 + encoded.length);
}

function failure(action: () => unknown): TidemarkError {
  try {
    action();
  } catch (error) {
    if (isTidemarkError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('json', () => {
  it('brings any JSON value back from the middle of a buffer', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) =>
        expect(roundTrip(json(), value)).toEqual(JSON.parse(JSON.stringify(value))),
      ),
    );
  });

  it('keeps text beyond ASCII', () => {
    expect(roundTrip(json<{ name: string }>(), { name: 'Zoë 😀 日本' })).toEqual({ name: 'Zoë 😀 日本' });
  });

  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  it.each<[string, unknown, RegExp]>([
    ['undefined', undefined, /type undefined has no JSON form/],
    ['a function', () => 1, /type function has no JSON form/],
    ['a bigint', { count: 1n }, /BigInt/],
    ['a cyclic object', cyclic, /circular/],
  ])('refuses to write %s', (_name, value, message) => {
    const error = failure(() => written(json(), value));
    expect([error.code, error.reaction]).toEqual(['TM3005', 'stop']);
    expect(error.message).toMatch(message);
  });

  it('fails on what is not JSON', () => {
    expect(() => json().read(Buffer.from('{"a":'), 0, 5)).toThrow(SyntaxError);
  });
});

describe('string, number, bytes', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => expect(roundTrip(string(), value)).toBe(value)),
    );
    fc.assert(fc.property(fc.double(), (value) => expect(roundTrip(number(), value)).toBe(value)));
    fc.assert(
      fc.property(fc.uint8Array(), (value) =>
        expect(roundTrip(bytes(), Buffer.from(value))).toEqual(Buffer.from(value)),
      ),
    );
  });

  it('writes a number as a big-endian double', () => {
    expect(written(number(), 1.5).toString('hex')).toBe('3ff8000000000000');
  });

  it('refuses a number of the wrong size', () => {
    expect(() => number().read(Buffer.alloc(7), 0, 7)).toThrow(RangeError);
  });

  it('copies bytes out of the buffer they are read from', () => {
    const fetched = Buffer.from('abc');
    const value = bytes().read(fetched, 0, 3);
    fetched.fill(0);
    expect(value.toString()).toBe('abc');
  });

  it.each<[string, Serde<never>, unknown]>([
    ['string', string() as Serde<never>, 7],
    ['number', number() as Serde<never>, '7'],
    ['bytes', bytes() as Serde<never>, '7'],
  ])('%s refuses to write another type', (_name, format, value) => {
    expect(failure(() => written(format, value as never)).code).toBe('TM3005');
  });
});

describe('serde', () => {
  const dates = serde<Date>({
    name: 'date',
    serialize: (value) => Buffer.from(value.toISOString()),
    deserialize: (raw) => new Date(raw.toString()),
  });

  it('uses the two functions', () => {
    expect(dates.name).toBe('date');
    expect(roundTrip(dates, new Date(86_400_000))).toEqual(new Date(86_400_000));
  });

  it('names itself when serialize fails or returns no bytes', () => {
    const error = failure(() => written(dates, new Date(NaN)));
    expect([error.code, error.message]).toEqual([
      'TM3005',
      'serde date: serialize() threw: Invalid time value',
    ]);
    expect(error.cause).toBeInstanceOf(RangeError);
    const text = serde({ name: 'text', serialize: () => 'no bytes' as never, deserialize: () => 1 });
    expect(failure(() => written(text, 1)).message).toBe('serde text: serialize() returned no bytes');
  });
});

describe('the default key of a sink', () => {
  it.each<[unknown, string]>([
    ['user-1', 'user-1'],
    [12, '12'],
    [12n, '12'],
    [true, 'true'],
    [['a', 1], '["a",1]'],
  ])('writes %p as %s', (value, text) => {
    expect(written(sinkKey, value).toString()).toBe(text);
  });

  it('refuses an object', () => {
    expect(failure(() => written(sinkKey, { id: 1 })).describe()).toBe(
      'TM3005 record key: an object needs a key serde: give `key` to to()',
    );
  });
});
