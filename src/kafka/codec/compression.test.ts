import zlib from 'node:zlib';
import fc from 'fast-check';
import lz4 from 'lz4-napi';
import snappy from 'snappy';
import { loadCodecPackage } from '../../util/codec-package';
import { compress, decompress, type Compressor } from './compression';
import { zstdFrames } from './zstd';

const CODECS: readonly Compressor[] = ['gzip', 'snappy', 'lz4', 'zstd'];
const MEBIBYTE = 1024 * 1024;
const damaged = expect.objectContaining({ code: 'TM2006', where: 'orders-0@7' });

/** Repetitive stretches and random ones, longer than any block of any codec. */
function mixed(length: number): Buffer {
  const bytes = Buffer.alloc(length, 'the same again and ');
  let seed = 1;
  for (let i = 0; i < length; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    if ((i >> 16) % 2 === 1) bytes[i] = seed >>> 24;
  }
  return bytes;
}

describe.each(CODECS)('%s', (codec) => {
  test('gives back what it was given', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        const original = Buffer.from(bytes);
        expect(decompress(codec, compress(codec, original), 'x').equals(original)).toBe(true);
      }),
    );
  });

  test('gives back several blocks, some of them incompressible', () => {
    const original = mixed(700_001);
    const packed = compress(codec, original);
    expect(packed.length).toBeLessThan(original.length);
    expect(decompress(codec, packed, 'x').equals(original)).toBe(true);
  });

  test('refuses more than the limit, and takes exactly the limit', () => {
    const original = mixed(MEBIBYTE);
    const packed = compress(codec, original);
    expect(decompress(codec, packed, 'x', MEBIBYTE).length).toBe(MEBIBYTE);
    expect(() => decompress(codec, packed, 'orders-0@7', MEBIBYTE / 2)).toThrow(damaged);
  });

  test('refuses a bomb without filling the memory', () => {
    const bomb = compress(codec, Buffer.alloc(64 * MEBIBYTE));
    const before = process.memoryUsage.rss();
    expect(() => decompress(codec, bomb, 'orders-0@7', MEBIBYTE)).toThrow(damaged);
    expect(process.memoryUsage.rss() - before).toBeLessThan(48 * MEBIBYTE);
  });

  test('refuses bytes that are cut off or something else', () => {
    const packed = compress(codec, mixed(100_000));
    for (const length of [5, packed.length >> 1, packed.length - 1]) {
      expect(() => decompress(codec, packed.subarray(0, length), 'orders-0@7')).toThrow(damaged);
    }
    expect(() => decompress(codec, Buffer.from('neither of the four formats'), 'orders-0@7')).toThrow(
      damaged,
    );
  });
});

describe('snappy of other clients', () => {
  test('one raw block', () => {
    const original = mixed(100_000);
    expect(decompress('snappy', snappy.compressSync(original), 'x').equals(original)).toBe(true);
  });

  test('a raw block that claims to be larger than the limit is not allocated', () => {
    const block = Buffer.from('ffffffff0f00', 'hex');
    expect(() => decompress('snappy', block, 'orders-0@7')).toThrow(damaged);
  });
});

describe('lz4 frames of other clients', () => {
  test('4 MiB blocks with checksums', () => {
    const original = mixed(300_000);
    const packed = lz4.compressFrameSync(original, { contentChecksum: true, blockChecksums: true });
    expect(decompress('lz4', packed, 'x').equals(original)).toBe(true);
  });

  test('ours are frames to the package too', () => {
    const original = mixed(300_000);
    expect(lz4.decompressFrameSync(compress('lz4', original)).equals(original)).toBe(true);
  });

  test('linked blocks, a content size, a skippable frame, two frames', () => {
    const first = Buffer.from('linked blocks may refer to each other; '.repeat(20));
    const second = Buffer.from('they refer to each other: linked blocks may refer to each other; ');
    const block = (bytes: Buffer): Buffer => {
      bytes.writeUInt32LE(bytes.length - 4, 0);
      return bytes;
    };
    const linked = Buffer.concat([
      Buffer.from('04224d18' + '48' + '40' + '0000000000000000' + '00', 'hex'),
      block(lz4.compressSync(first)),
      block(lz4.compressSync(second, first)),
      Buffer.alloc(4),
    ]);
    const skippable = Buffer.from('532a4d18' + '03000000' + 'aabbcc', 'hex');
    const all = Buffer.concat([linked, skippable, compress('lz4', first)]);
    expect(decompress('lz4', all, 'x').toString()).toBe(Buffer.concat([first, second, first]).toString());
  });

  test.each([
    ['a dictionary', '04224d1861400000'],
    ['another version', '04224d1820400000'],
  ])('refuses %s', (_name, hex) => {
    expect(() => decompress('lz4', Buffer.from(hex, 'hex'), 'orders-0@7')).toThrow(damaged);
  });
});

function zstdOutputBound(bytes: Buffer): number {
  return zstdFrames(bytes).reduce((total, { bound }) => total + bound, 0);
}

describe('the bound on what zstd frames hold', () => {
  test('is never below the truth, nor far above it', () => {
    for (const length of [0, 1, 300, 70_000, 128 * 1024, 500_000]) {
      const bound = zstdOutputBound(compress('zstd', mixed(length)));
      expect(bound).toBeGreaterThanOrEqual(length);
      expect(bound).toBeLessThanOrEqual(2 * length + 128 * 1024);
    }
  });

  test('believes a declared size that is larger than the blocks', () => {
    // Single segment, eight-byte content size of 2^40, one stored block of one byte.
    const lying = Buffer.from('28b52ffd' + 'e0' + '0000000000010000' + '090000' + '61', 'hex');
    expect(zstdOutputBound(lying)).toBe(2 ** 40);
    expect(() => decompress('zstd', lying, 'orders-0@7')).toThrow(damaged);
  });

  test('adds up frames and passes over skippable ones', () => {
    const stored = Buffer.from('28b52ffd' + '20' + '03' + '190000' + '616263', 'hex');
    const skippable = Buffer.from('502a4d18' + '02000000' + 'ffff', 'hex');
    const all = Buffer.concat([stored, skippable, stored]);
    expect(zstdOutputBound(all)).toBe(6);
    expect(decompress('zstd', all, 'x').toString()).toBe('abcabc');
  });
});

test('gzip of another level is read', () => {
  const original = mixed(50_000);
  expect(decompress('gzip', zlib.gzipSync(original, { level: 9 }), 'x').equals(original)).toBe(true);
});

test('a missing package is named', () => {
  expect(() => loadCodecPackage('brotli', '@tidemark-test/not-installed')).toThrow(
    expect.objectContaining({
      code: 'TM2007',
      message: expect.stringContaining('@tidemark-test/not-installed'),
    }),
  );
});
