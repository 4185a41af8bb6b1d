import fc from 'fast-check';
import { MalformedAnswerError, only, WireReader } from './wire-reader';
import { WireWriter } from './wire-writer';

function readerOf(hex: string, flexible: boolean): WireReader {
  return new WireReader(Buffer.from(hex, 'hex'), flexible);
}

describe.each([false, true])('the wire encoding, flexible %s', (flexible) => {
  it('reads back what was written', () => {
    const blobs = fc.uint8Array({ maxLength: 5_000 }).map((bytes) => Buffer.from(bytes));
    const input = fc.record({
      i8: fc.integer({ min: -128, max: 127 }),
      i16: fc.integer({ min: -32_768, max: 32_767 }),
      i32s: fc.array(fc.integer()),
      i64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      text: fc.string({ unit: 'grapheme', maxLength: 300 }),
      maybe: fc.option(fc.string({ maxLength: 3 })),
      blob: blobs,
      list: fc.option(fc.array(fc.boolean(), { maxLength: 200 })),
    });
    fc.assert(
      fc.property(input, (value) => {
        const out = new WireWriter(flexible);
        out.i8(value.i8).i16(value.i16).i32Array(value.i32s).i64(value.i64).string(value.text);
        out
          .nullableString(value.maybe)
          .blob(value.blob)
          .nullableArray(value.list, (flag) => out.bool(flag));
        out.end();
        const bytes = Buffer.concat(out.chunks());
        expect(bytes.length).toBe(out.size);
        const back = new WireReader(bytes, flexible);
        expect({
          ...{ i8: back.i8(), i16: back.i16(), i32s: back.i32Array(), i64: back.i64(), text: back.string() },
          ...{
            maybe: back.nullableString(),
            blob: back.copiedBlob(),
            list: back.nullableArray(() => back.bool()),
          },
        }).toEqual(value);
        back.end();
        back.finish();
      }),
      { numRuns: 300 },
    );
  });

  it('never reads beyond the end, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const reader = new WireReader(Buffer.from(bytes), flexible);
        const reads = [
          () => reader.array(() => reader.nullableString()),
          () => reader.nullableBlob(),
          () => reader.uuid(),
          () => reader.end(),
          () => reader.i64(),
        ];
        try {
          for (const read of reads) read();
          expect(reader.remaining).toBeGreaterThanOrEqual(0);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedAnswerError);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('malformed answers', () => {
  it('refuses an array that cannot fit', () => {
    expect(() => readerOf('7fffffff00', false).array(() => 0)).toThrow(MalformedAnswerError);
    expect(() => readerOf('ffffffff0f00', true).array(() => 0)).toThrow(MalformedAnswerError);
  });

  it('refuses a null string where one must be', () => {
    expect(() => readerOf('ffff', false).string()).toThrow('null where a string must be');
    expect(() => readerOf('00', true).string()).toThrow('null where a string must be');
  });

  it('refuses a number of more than five bytes', () => {
    expect(() => readerOf('ffffffffff01', true).nullableString()).toThrow('does not end');
  });

  it('skips tagged fields, and no further than to the end', () => {
    const reader = readerOf('02' + '0003aabbcc' + '0500' + '07', true);
    reader.end();
    expect(reader.i8()).toBe(7);
    expect(() => readerOf('01' + '0004aabbcc', true).end()).toThrow(MalformedAnswerError);
  });

  it('wants exactly one of what there is one of', () => {
    expect(only([5], 'numbers')).toBe(5);
    expect(() => only([], 'numbers')).toThrow('0 numbers in the answer');
    expect(() => only([1, 2], 'numbers')).toThrow('2 numbers in the answer');
  });
});

it('refuses a string that the classic encoding cannot hold', () => {
  const long = 'x'.repeat(32_768);
  expect(() => new WireWriter(false).string(long)).toThrow(RangeError);
  expect(new WireWriter(true).string(long).size).toBe(32_768 + 3);
});
