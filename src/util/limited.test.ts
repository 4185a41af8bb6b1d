import { settleLimited } from './limited';

describe('settleLimited', () => {
  it('keeps to the limit, and to the order of the items', async () => {
    let running = 0;
    let most = 0;
    const results = await settleLimited([5, 1, 4, 2, 3], 2, async (item) => {
      most = Math.max(most, ++running);
      for (let turn = 0; turn < item; turn++) await Promise.resolve();
      running--;
      return item * 10;
    });
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value : 'failed'))).toEqual([
      50, 10, 40, 20, 30,
    ]);
    expect(most).toBe(2);
  });

  it('goes on behind a failure', async () => {
    const done: number[] = [];
    const results = await settleLimited([1, 2, 3], 1, (item) => {
      if (item === 1) return Promise.reject(new Error('no'));
      done.push(item);
      return Promise.resolve();
    });
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(done).toEqual([2, 3]);
  });
});
