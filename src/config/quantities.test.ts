import { formatBytes, formatDuration, parseBytes, parseDuration } from './quantities';

describe('parseDuration', () => {
  test.each([
    ['60s', 60_000],
    ['10 min', 600_000],
    ['500ms', 500],
    ['250', 250],
    ['0', 0],
    ['1 h', 3_600_000],
    ['2d', 172_800_000],
    ['1.5 s', 1_500],
    ['3 MINUTES', 180_000],
    ['2000 us', 2],
    ['5000000ns', 5],
    [' 7 sec ', 7_000],
  ])('%s', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(['', 'soon', '-1 s', '1 fortnight', '1.5 ms', '100 us', '1s 2s', '1e3', '99999999999999999 d'])(
    'refuses %p',
    (text) => expect(parseDuration(text)).toBeUndefined(),
  );
});

describe('parseBytes', () => {
  test.each([
    ['64mb', 67_108_864],
    ['1 mib', 1_048_576],
    ['900 KB', 921_600],
    ['12', 12],
    ['1 b', 1],
    ['2g', 2_147_483_648],
    ['0.5 kb', 512],
  ])('%s', (text, bytes) => expect(parseBytes(text)).toBe(bytes));

  test.each(['', 'large', '1 mm', '-5', '0.3 kb'])('refuses %p', (text) =>
    expect(parseBytes(text)).toBeUndefined(),
  );
});

test('formats with the largest unit that leaves a whole number', () => {
  expect([90_000, 60_000, 1, 1_500, 7_200_000, 0].map(formatDuration)).toEqual([
    '90 s',
    '1 min',
    '1 ms',
    '1500 ms',
    '2 h',
    '0 ms',
  ]);
  expect([65_536, 1_000, 1_048_576].map(formatBytes)).toEqual(['64 kb', '1000 bytes', '1 mb']);
});
