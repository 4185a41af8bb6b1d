import { checkSuccession, decodeCommitRecord, encodeCommitRecord, type CommitRecord } from './commit-record';

const record = (over: Partial<CommitRecord> = {}): CommitRecord => ({
  task: 'clicks/0',
  epoch: 7,
  incarnation: 1,
  generation: 3,
  transactionalId: 'app-host-0-0',
  producerId: '9007199254740993',
  producerEpoch: 2,
  offsets: { clicks: 100 },
  ...over,
});

describe('commit record (PROTOCOL A3)', () => {
  it('survives encoding', () => {
    expect(decodeCommitRecord(encodeCommitRecord(record()))).toEqual({ ok: true, record: record() });
  });

  it.each([
    ['not JSON', Buffer.from('{')],
    ['no object', Buffer.from('null')],
    ['a newer version', Buffer.from(JSON.stringify({ v: 99, ...record() }))],
    ['a missing epoch', Buffer.from(JSON.stringify({ v: 1, ...record(), epoch: undefined }))],
    [
      'an offset that is no number',
      Buffer.from(JSON.stringify({ v: 1, ...record(), offsets: { clicks: 'x' } })),
    ],
  ])('refuses %s', (_, bytes) => {
    expect(decodeCommitRecord(bytes).ok).toBe(false);
  });
});

describe("A3: a task's epochs rise by one; compaction may leave gaps (I7)", () => {
  const next = record({ epoch: 8, offsets: { clicks: 120 } });
  it('accepts the first and the next', () => {
    expect(checkSuccession(null, record(), false).ok).toBe(true);
    expect(checkSuccession(record(), next, false).ok).toBe(true);
  });

  it.each<[string, Partial<CommitRecord>]>([
    ['a repeated epoch', { epoch: 7 }],
    ['a falling epoch', { epoch: 6 }],
    ['a lower generation', { generation: 2 }],
    ['a lower incarnation', { incarnation: 0 }],
    ['another task', { task: 'clicks/1' }],
    ['an offset that falls', { offsets: { clicks: 99 } }],
    ['an input that vanished', { offsets: {} }],
  ])('refuses %s, also in a compacted log', (_, over) => {
    expect(checkSuccession(record(), { ...next, ...over }, false).ok).toBe(false);
    expect(checkSuccession(record(), { ...next, ...over }, true).ok).toBe(false);
  });

  it('refuses a gap unless the log is compacted', () => {
    expect(checkSuccession(record(), { ...next, epoch: 9 }, false).ok).toBe(false);
    expect(checkSuccession(record(), { ...next, epoch: 9 }, true).ok).toBe(true);
  });

  it('takes an epoch that comes again only where it may be repeated', () => {
    const again = record({ offsets: { clicks: 90 } });
    expect(checkSuccession(record(), again, true).ok).toBe(false);
    expect(checkSuccession(record(), again, true, true).ok).toBe(true);
    expect(checkSuccession(next, record(), true, true).ok).toBe(false);
  });

  it('starts anew with a higher incarnation', () => {
    expect(
      checkSuccession(record(), record({ incarnation: 2, epoch: 1, generation: 1, offsets: {} }), false).ok,
    ).toBe(true);
  });
});
