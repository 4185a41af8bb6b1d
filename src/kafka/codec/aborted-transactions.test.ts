import { AbortedTransactions, isAbortMarker } from './aborted-transactions';

test.each([
  ['abort', '00000000', true],
  ['commit', '00000001', false],
  ['abort of a later version, with more fields', '0001000000ff', true],
  ['a type that is not known', '00000005', false],
  ['too short a key', '000000', false],
])('marker: %s', (_name, hex, expected) => {
  const buffer = Buffer.from(`ffff${hex}`, 'hex');
  expect(isAbortMarker(buffer, 2, buffer.length)).toBe(expected);
});

test('a producer is open from its first offset to its marker, once for each of its transactions', () => {
  const aborted = new AbortedTransactions([
    { producerId: 1n, firstOffset: 20n },
    { producerId: 2n, firstOffset: 5n },
    { producerId: 1n, firstOffset: 3n },
  ]);
  const openAt = (offset: number): bigint[] => {
    aborted.advanceTo(offset);
    return [1n, 2n].filter((producerId) => aborted.isOpen(producerId));
  };
  expect(openAt(2)).toEqual([]);
  expect(openAt(3)).toEqual([1n]);
  expect(openAt(10)).toEqual([1n, 2n]);
  aborted.close(1n);
  expect(openAt(19)).toEqual([2n]);
  expect(openAt(20)).toEqual([1n, 2n]);
  aborted.close(2n);
  expect(openAt(99)).toEqual([1n]);
});
