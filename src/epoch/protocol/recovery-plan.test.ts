import { planRecovery, type LogFacts, type Marker } from './recovery-plan';

const marker: Marker = {
  clusterId: 'c',
  topicId: 't',
  incarnation: 1,
  leaderEpoch: 0,
  taskEpoch: 5,
  nextOffset: 50,
  brokerTime: 1_000_000,
};
const log: LogFacts = {
  clusterId: 'c',
  topicId: 't',
  incarnation: 1,
  startOffset: 0,
  highWatermark: 80,
  deleteRetentionMs: 10_000,
  now: 1_001_000,
};
const plan = (m: Partial<Marker> = {}, l: Partial<LogFacts> = {}): ReturnType<typeof planRecovery> =>
  planRecovery({ kind: 'intact', marker: { ...marker, ...m } }, { ...log, ...l });

describe('planRecovery', () => {
  it('replays the tail behind the marker', () => {
    expect(plan()).toEqual({ kind: 'tail', from: 50 });
    expect(plan({ nextOffset: 80 })).toEqual({ kind: 'tail', from: 80 });
  });

  it('replays everything without a store', () => {
    expect(planRecovery({ kind: 'absent' }, log)).toEqual({ kind: 'rebuild', discard: null });
  });

  it('C1: sets a store with a broken chain aside', () => {
    expect(planRecovery({ kind: 'broken', reason: 'gap' }, log)).toEqual({ kind: 'rebuild', discard: 'gap' });
  });

  it('C2: does not continue a store older than half of delete.retention.ms', () => {
    expect(plan({}, { now: 1_005_000 }).kind).toBe('tail');
    expect(plan({}, { now: 1_005_001 }).kind).toBe('rebuild');
  });

  it.each<[string, Partial<Marker>]>([
    ['another cluster', { clusterId: 'x' }],
    ['another topic id', { topicId: 'x' }],
    ['another incarnation', { incarnation: 2 }],
    ['ahead of the log', { nextOffset: 81 }],
  ])('C3: rebuilds a store of %s', (_, over) => {
    expect(plan(over).kind).toBe('rebuild');
  });
});
