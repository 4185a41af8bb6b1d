import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { murmur2, partitionForKey, toPositive } from './murmur2';

interface Vectors {
  readonly vectors: readonly (readonly [key: string, hash: number, partitionOf12: number])[];
}
const { vectors } = JSON.parse(readFileSync(join(__dirname, 'murmur2.vectors.json'), 'utf8')) as Vectors;

describe('murmur2', () => {
  test.each(vectors)('of base64 %s is %d, as Java has it', (base64, hash, partition) => {
    const key = Buffer.from(base64, 'base64');
    expect(murmur2(key)).toBe(hash);
    expect(partitionForKey(key, 0, key.length, 12)).toBe(partition);
  });

  test('hashes a range of a larger buffer', () => {
    const key = Buffer.from('a-little-bit-longer-string');
    const inside = Buffer.concat([Buffer.from('before'), key, Buffer.from('after')]);
    expect(murmur2(inside, 6, 6 + key.length)).toBe(murmur2(key));
  });

  test('toPositive clears the sign bit', () => {
    expect(toPositive(-1)).toBe(0x7fffffff);
    expect(toPositive(-0x8000_0000)).toBe(0);
    expect(toPositive(5)).toBe(5);
  });
});
