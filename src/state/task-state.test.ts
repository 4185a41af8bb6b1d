import type { Marker } from '../epoch/protocol/recovery-plan';
import { json } from '../serde';
import type { EncodedChanges } from './encoded-changes';
import { HeapStore } from './heap/heap-store';
import type { LocalStore } from './local-store';
import type { KeyValueStore } from './store';
import { TaskState } from './task-state';

const marker = (taskEpoch: number): Marker => ({
  clusterId: 'c',
  topicId: 't',
  incarnation: 1,
  leaderEpoch: 0,
  taskEpoch,
  nextOffset: taskEpoch,
  brokerTime: 0,
});

/** A local store whose writes wait for the test. */
class SlowStore extends HeapStore {
  gate: Promise<void> = Promise.resolve();
  override async apply(changes: EncodedChanges, at: Marker | null): Promise<void> {
    await this.gate;
    await super.apply(changes, at);
  }
}

function setUp(local: LocalStore = new HeapStore(), cacheEntries = 1000) {
  const state = new TaskState(local, [{ name: 'counts', value: json() }], 16, cacheEntries);
  const counts = state.store('counts') as KeyValueStore<number>;
  const commit = (epoch: number) => state.apply(state.seal(), marker(epoch));
  return { state, counts, commit, local };
}

describe('A5: nothing of an aborted epoch is left in memory', () => {
  it('forgets the open layer', async () => {
    const { state, counts, commit } = setUp();
    counts.set('u', 1);
    await commit(1);
    counts.set('u', 2);
    counts.set('new', 1);
    state.drop();
    expect(counts.get('u')).toBe(1);
    expect(counts.get('new')).toBeUndefined();
    expect(state.dirtyBytes).toBe(0);
    expect(state.seal().count).toBe(0);
  });

  it('forgets a sealed layer and the open one above it', async () => {
    const { state, counts, commit } = setUp();
    counts.set('u', 1);
    await commit(1);
    counts.set('u', 2);
    state.seal();
    counts.set('u', 3);
    state.drop();
    expect(counts.get('u')).toBe(1);
    counts.set('u', 2);
    await commit(2);
    expect(counts.get('u')).toBe(2);
  });

  it('forgets objects that an operator changed in place', async () => {
    const { state, commit } = setUp();
    const lists = state.store('counts') as KeyValueStore<number[]>;
    lists.set('u', [1]);
    await commit(1);
    lists.get('u')!.push(2);
    state.drop();
    expect(lists.get('u')).toEqual([1]);
  });

  it('forgets deletions', async () => {
    const { state, counts, commit } = setUp();
    counts.set('u', 1);
    await commit(1);
    counts.delete('u');
    state.seal();
    state.drop();
    expect(counts.get('u')).toBe(1);
  });

  it('never loses an unapplied value to the cache bound (I1): what is not in the local store stays pinned', async () => {
    const { state, counts, commit } = setUp(new HeapStore(), 16);
    for (let i = 0; i < 500; i++) counts.set(`k${i}`, i);
    const sealed = state.seal();
    for (let i = 500; i < 1000; i++) counts.set(`k${i}`, i);
    for (let i = 0; i < 1000; i++) expect(counts.get(`k${i}`)).toBe(i);
    await state.apply(sealed, marker(1));
    for (let i = 0; i < 1000; i++) expect(counts.get(`k${i}`)).toBe(i);
    await commit(2);
    for (let i = 0; i < 1000; i++) expect(counts.get(`k${i}`)).toBe(i);
  });
});

describe('A6: one atomic batch after the clean answer, and only of that epoch (I1)', () => {
  it('writes nothing to the local store before apply', () => {
    const local = new HeapStore();
    const apply = jest.spyOn(local, 'apply');
    const { state, counts } = setUp(local);
    counts.set('u', 1);
    state.seal();
    expect(apply).not.toHaveBeenCalled();
    expect(local.marker).toBeNull();
  });

  it('writes what was sealed, not what was written since', async () => {
    const { state, counts, local } = setUp();
    counts.set('u', 1);
    const sealed = state.seal();
    counts.set('u', 2);
    await state.apply(sealed, marker(1));
    expect(local.marker?.taskEpoch).toBe(1);
    const fresh = setUp(local);
    expect(fresh.counts.get('u')).toBe(1);
    expect(counts.get('u')).toBe(2);
  });

  it('seals no third layer while one is being applied', async () => {
    let open = (): void => undefined;
    const local = new SlowStore();
    local.gate = new Promise((resolve) => (open = resolve));
    const { state, counts } = setUp(local);
    counts.set('u', 1);
    const applying = state.apply(state.seal(), marker(1));
    counts.set('u', 2);
    expect(() => state.seal()).toThrow('while another is being committed');
    open();
    await applying;
    expect(state.seal().count).toBe(1);
  });

  it('encodes each changed key once, with its last value', () => {
    const { state, counts } = setUp();
    for (let i = 1; i <= 50; i++) counts.set('u', i);
    const sealed = state.seal();
    expect(sealed.count).toBe(1);
    expect(sealed.value(0)!.toString()).toContain('50');
  });
});
