import { TidemarkError } from '../../errors';
import { backoffMs, retryUntil } from './backoff';
import { VirtualPlatform } from './testing/virtual-platform';

const at = (value: number) => ({ next: () => value, id: () => '' });
const again = new TidemarkError('TM2001', 'retry', 'away');

describe('backoffMs', () => {
  it('doubles up to its maximum', () => {
    expect([0, 1, 2, 10, 1e6].map((attempt) => backoffMs(attempt, at(0.5)))).toEqual([
      20, 40, 80, 1000, 1000,
    ]);
  });

  it('is jittered by a fifth', () => {
    expect(backoffMs(0, at(0))).toBeCloseTo(16);
    expect(backoffMs(0, at(1))).toBeCloseTo(24);
  });
});

describe('retryUntil', () => {
  it('returns what an attempt has done', async () => {
    const platform = new VirtualPlatform();
    let attempts = 0;
    const result = retryUntil({ platform, deadlineMs: 1000 }, () =>
      Promise.resolve(++attempts < 3 ? { again } : { done: attempts }),
    );
    expect(await platform.until(result)).toBe(3);
    expect(platform.clock.monotonic()).toBe(60);
  });

  it('makes one attempt at least, and ends before its deadline', async () => {
    const platform = new VirtualPlatform();
    const attempt = jest.fn(() => Promise.resolve({ again }));
    await expect(retryUntil({ platform, deadlineMs: 0 }, attempt)).rejects.toBe(again);
    expect(attempt).toHaveBeenCalledTimes(1);
    await expect(platform.until(retryUntil({ platform, deadlineMs: 500 }, attempt))).rejects.toBe(again);
    expect(platform.clock.monotonic()).toBeLessThanOrEqual(500);
  });

  it('does not repeat what was thrown', async () => {
    const platform = new VirtualPlatform();
    const bug = new TypeError('bug');
    await expect(retryUntil({ platform, deadlineMs: 500 }, () => Promise.reject(bug))).rejects.toBe(bug);
  });
});
