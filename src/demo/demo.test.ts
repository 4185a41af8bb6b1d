import { ClickSource, expectedCounts } from './click-source';
import { parseDemoOptions } from './demo-options';

describe('the clicks of npm start', () => {
  it('are the same for the same seed', () => {
    const take = (seed: number): unknown[] => {
      const source = new ClickSource(seed, 1000);
      return Array.from({ length: 50 }, () => source.next());
    };
    expect(take(42)).toEqual(take(42));
    expect(take(42)).not.toEqual(take(43));
  });

  it('are counted by the one who recomputes them', () => {
    const counts = expectedCounts(42, 100, 10_000);
    expect(counts.reduce((a, b) => a + b, 0)).toBe(10_000);
    expect(Math.min(...counts)).toBeGreaterThan(50);
  });
});

describe('parseDemoOptions', () => {
  it('has defaults', () => {
    expect(parseDemoOptions([])).toMatchObject({
      clicks: 200_000,
      users: 20_000,
      kill: false,
      forever: false,
    });
  });
  it('reads numbers and switches', () => {
    expect(parseDemoOptions(['--clicks', '1_000', '--kill'])).toMatchObject({
      clicks: 1000,
      users: 100,
      kill: true,
    });
  });
  it.each([[['--clicks', 'many']], [['--clicks', '0']], [['--clicks']], [['--unknown']], [['extra']]])(
    'refuses %j',
    (argv) => {
      expect(() => parseDemoOptions(argv)).toThrow(
        expect.objectContaining({ code: 'TM1007', reaction: 'usage' }),
      );
    },
  );
});
