import { seededRandom } from '../support/seeded';

/** Choices by name. */
type Factors = Readonly<Record<string, readonly unknown[]>>;
type Combination<F extends Factors> = { readonly [K in keyof F]: F[K][number] };

/** All combinations, in the order of the choices. */
export function product<F extends Factors>(factors: F): Combination<F>[] {
  let rows: Record<string, unknown>[] = [{}];
  for (const [name, choices] of Object.entries(factors)) {
    rows = rows.flatMap((row) => choices.map((choice) => ({ ...row, [name]: choice })));
  }
  return rows as Combination<F>[];
}

/**
 * A few combinations in which every two choices of different factors meet at least once: greedy, each time the
 * combination with most pairs that have not met, ties broken by the seed.
 */
export function pairwise<F extends Factors>(factors: F, seed: number): Combination<F>[] {
  const random = seededRandom(seed);
  const all = product(factors)
    .map((row) => ({ row, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ row }) => row);
  const open = new Set(all.flatMap(pairsOf));
  const chosen: Combination<F>[] = [];
  while (open.size > 0) {
    const gain = (row: Combination<F>): number => pairsOf(row).filter((pair) => open.has(pair)).length;
    const best = all.reduce((a, b) => (gain(b) > gain(a) ? b : a));
    for (const pair of pairsOf(best)) open.delete(pair);
    chosen.push(best);
  }
  return chosen;
}

function pairsOf(row: Readonly<Record<string, unknown>>): string[] {
  const cells = Object.entries(row).map(([name, choice]) => `${name}=${String(choice)}`);
  return cells.flatMap((cell, i) => cells.slice(i + 1).map((other) => `${cell} ${other}`));
}
