import { openValue, ValueSealer } from './value-checksum';

const key = Buffer.from('key');

describe('checksums of values', () => {
  it.each([0, 1, 20, 5000])('a value of %i bytes comes back', (length) => {
    const value = Buffer.alloc(length, 'v');
    expect(openValue(key, new ValueSealer().seal(key, value))).toEqual(value);
  });

  it('every flipped bit of value and checksum is noticed', () => {
    const sealed = Buffer.from(new ValueSealer().seal(key, Buffer.from('{"count":7}')));
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Buffer.from(sealed);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => openValue(key, flipped)).toThrow('the checksum of the value under 6b6579 does not match');
    }
  });

  it('the value of another key is noticed', () => {
    const sealed = new ValueSealer().seal(key, Buffer.from('1'));
    expect(() => openValue(Buffer.from('kez'), sealed)).toThrow('does not match');
  });

  it('what is too short for a checksum is noticed', () => {
    expect(() => openValue(key, Buffer.alloc(3))).toThrow('does not match');
  });
});
