import { BadStateSearch } from './bad-state-search';
import type { TaskInput } from './task';

const input = { topic: 'in', partition: 0 } as unknown as TaskInput;

/** Processes `records` of which those in `bad` cannot be written, in epochs of at most `free` records; returns who was blamed. */
function run(records: number, bad: ReadonlySet<number>, free: number): { blamed: number[]; epochs: number } {
  const search = new BadStateSearch();
  const blamed: number[] = [];
  let committed = 0;
  let epochs = 0;
  while (committed < records) {
    let at = committed;
    const end = Math.min(records, committed + Math.min(free, search.room));
    for (; at < end; at++) search.took(1, input, at);
    epochs++;
    const fails = Array.from({ length: end - committed }, (_, i) => committed + i).some(
      (offset) => bad.has(offset) && !blamed.includes(offset),
    );
    if (fails) {
      const suspect = search.narrow();
      if (suspect !== null) blamed.push(suspect.offset);
      search.dropped();
    } else {
      search.epochEnded();
      committed = end;
    }
  }
  return { blamed, epochs };
}

describe('A8: the record whose state value cannot be written', () => {
  it.each([
    ['the first', [0]],
    ['the last', [9999]],
    ['neighbours', [4999, 5000, 5001]],
    ['far apart', [17, 3000, 9000]],
  ])('is found: %s', (_, bad) => {
    const { blamed, epochs } = run(10_000, new Set(bad), 3000);
    expect(blamed).toEqual(bad);
    expect(epochs).toBeLessThan(60 * bad.length);
  });

  it('alone in its epoch it is blamed only when that was the limit: tasks may have moved without it', () => {
    const search = new BadStateSearch();
    search.took(1, input, 7);
    expect(search.narrow()).toBeNull();
    search.dropped();
    search.took(1, input, 7);
    expect(search.narrow()).toEqual({ input, offset: 7 });
  });

  it('limits nothing before the first failure, and nothing again some epochs behind the last', () => {
    const search = new BadStateSearch();
    expect(search.room).toBe(Infinity);
    search.took(1000, input, 999);
    search.narrow();
    search.dropped();
    expect(search.room).toBe(500);
    for (let i = 0; i < 8; i++) search.epochEnded();
    expect(search.room).toBe(Infinity);
  });
});
