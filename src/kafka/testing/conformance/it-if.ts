/** `it`, or `it.skip` with the reason printed, for cases that need something of the cluster. */
export function itIf(condition: boolean, reason: string): jest.It {
  if (condition) return it;
  process.stderr.write(`Skipped: ${reason}\n`);
  return it.skip;
}
