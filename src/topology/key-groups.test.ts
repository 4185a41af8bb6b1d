import fc from 'fast-check';
import { AssertionError } from '../util/asserts';
import { murmur2 } from '../util/murmur2';
import { keyGroupOf, partitionOfKeyGroup } from './key-groups';

describe('key groups', () => {
  it('are the positive murmur2 of the bytes in the range, modulo the number of groups', () => {
    const bytes = Buffer.from('..user-1..');
    const hash = murmur2(bytes, 2, 8);
    expect(keyGroupOf(bytes, 2, 8, 128)).toBe((hash < 0 ? hash + 2 ** 31 : hash) % 128);
    expect(keyGroupOf(bytes, 2, 8, 128)).toBe(keyGroupOf(Buffer.from('user-1'), 0, 6, 128));
  });

  it('never leave their range', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.integer({ min: 1, max: 32768 }), (bytes, groups) => {
        const group = keyGroupOf(bytes, 0, bytes.length, groups);
        expect(group >= 0 && group < groups).toBe(true);
      }),
    );
  });

  it('go to partitions in contiguous ranges that differ by at most one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 512 }), fc.nat(511), (groups, choice) => {
        const parallelism = (choice % groups) + 1;
        const owners = Array.from({ length: groups }, (_, group) =>
          partitionOfKeyGroup(group, groups, parallelism),
        );
        expect(owners).toEqual([...owners].sort((a, b) => a - b));
        const sizes = Array.from(
          { length: parallelism },
          (_, partition) => owners.filter((p) => p === partition).length,
        );
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('match the ranges of Flink', () => {
    expect([0, 42, 43, 85, 86, 127].map((group) => partitionOfKeyGroup(group, 128, 3))).toEqual([
      0, 0, 1, 1, 2, 2,
    ]);
  });

  it('refuse more partitions than groups, and groups that do not exist', () => {
    expect(() => partitionOfKeyGroup(0, 4, 5)).toThrow(AssertionError);
    expect(() => partitionOfKeyGroup(4, 4, 2)).toThrow(AssertionError);
  });
});
