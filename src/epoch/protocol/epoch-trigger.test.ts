import { decideEpoch, smoothCommitDuration, type EpochFacts } from './epoch-trigger';

const limits = { intervalMs: 100, minIntervalMs: 5, maxDirtyBytes: 1000, maxOutputBytes: 2000 };
const facts = (over: Partial<EpochFacts> = {}): EpochFacts => ({
  now: 1000,
  startedAt: 990,
  lastCommitEndedAt: 900,
  commitDurationMs: 10,
  commitInFlight: false,
  drained: false,
  dirtyBytes: 0,
  outputBytes: 0,
  mustEnd: false,
  revoking: false,
  stopping: false,
  ...over,
});

describe('decideEpoch', () => {
  it.each<[string, Partial<EpochFacts>, string]>([
    ['the interval is over', { startedAt: 900 }, 'interval'],
    ['input is drained', { drained: true }, 'drained'],
    ['too much is dirty', { dirtyBytes: 1000 }, 'dirty-bytes'],
    ['too much is to be sent', { outputBytes: 2000 }, 'output-bytes'],
    ['a record was set aside in a replay', { mustEnd: true }, 'bad-record'],
    ['tasks are revoked', { revoking: true }, 'revocation'],
    ['the executor stops', { stopping: true, revoking: true }, 'shutdown'],
  ])('ends the epoch when %s', (_, over, reason) => {
    expect(decideEpoch(facts(over), limits)).toEqual({ kind: 'end', reason });
  });

  it('never ends an epoch that has not begun', () => {
    const all = { startedAt: null, drained: true, revoking: true, stopping: true, dirtyBytes: 9999 };
    expect(decideEpoch(facts(all), limits)).toEqual({ kind: 'process', recheckAt: Infinity });
  });

  it('says when to look again', () => {
    expect(decideEpoch(facts(), limits)).toEqual({ kind: 'process', recheckAt: 1090 });
  });

  it('goes on processing beside a commit, but never beyond the byte limits', () => {
    const busy = { commitInFlight: true };
    expect(decideEpoch(facts({ ...busy, startedAt: 0 }), limits).kind).toBe('process');
    expect(decideEpoch(facts({ ...busy, drained: true }), limits).kind).toBe('process');
    expect(decideEpoch(facts({ ...busy, dirtyBytes: 1000 }), limits).kind).toBe('wait-for-commit');
    expect(decideEpoch(facts({ ...busy, outputBytes: 2000 }), limits).kind).toBe('wait-for-commit');
    expect(decideEpoch(facts({ ...busy, revoking: true }), limits).kind).toBe('wait-for-commit');
    expect(decideEpoch(facts({ ...busy, mustEnd: true }), limits).kind).toBe('wait-for-commit');
  });
});

describe('A7: commits of drained input leave a gap that scales with their duration', () => {
  const at = (now: number, commitDurationMs: number): string =>
    decideEpoch(
      facts({ now, startedAt: now - 1, drained: true, lastCommitEndedAt: 1000, commitDurationMs }),
      limits,
    ).kind;
  it('waits at least the minimum interval', () => {
    expect(at(1004, 0)).toBe('process');
    expect(at(1005, 0)).toBe('end');
  });
  it('waits as long as a commit takes', () => {
    expect(at(1019, 20)).toBe('process');
    expect(at(1020, 20)).toBe('end');
  });
  it('follows slow commits smoothly', () => {
    expect(smoothCommitDuration(0, 50)).toBe(50);
    expect(smoothCommitDuration(10, 110)).toBe(30);
  });
});
