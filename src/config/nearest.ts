/** Edit distance with transpositions of neighbours (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/**
 * The known name that was most likely meant: one that ends with what was written (`checkpointing.interval`), else the
 * one with the fewest edits, as long as these are at most `maxShare` of the letters. Undefined when nothing is near.
 */
export function nearestName(written: string, known: readonly string[], maxShare = 0.4): string | undefined {
  const wanted = written.toLowerCase();
  const longer = known.filter((name) => /[.]/.test(wanted) && name.toLowerCase().endsWith(`.${wanted}`));
  if (longer.length === 1) return longer[0];
  let best: string | undefined;
  let fewest = Math.floor(wanted.length * maxShare) + 1;
  for (const name of known) {
    if (Math.abs(name.length - wanted.length) >= fewest) continue;
    const distance = editDistance(wanted, name.toLowerCase());
    if (distance < fewest) [best, fewest] = [name, distance];
  }
  return best;
}
