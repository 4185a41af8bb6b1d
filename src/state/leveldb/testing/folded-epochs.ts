import { EncodedChanges } from '../../encoded-changes';
import type { Marker } from '../../../epoch/protocol/recovery-plan';
import type { LevelStore } from '../level-store';

/** A small reproducible generator (mulberry32): uniform in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function markerOf(taskEpoch: number): Marker {
  return {
    clusterId: 'c',
    topicId: 't',
    incarnation: 1,
    leaderEpoch: 0,
    taskEpoch,
    nextOffset: taskEpoch * 10,
    brokerTime: 1,
  };
}

export type Change = readonly [key: string, value: string | null];
export type Fold = Map<string, string>;

/** Random epochs over few keys, so that every epoch overwrites, deletes and revives. */
export function randomEpochs(seed: number, epochs: number, changes: number): Change[][] {
  const random = seeded(seed);
  return Array.from({ length: epochs }, (_, epoch) => {
    const chosen = new Map<string, string | null>();
    while (chosen.size < changes) {
      const key = `key-${Math.floor(random() * changes * 6)}`;
      chosen.set(key, random() < 0.2 ? null : `epoch ${epoch + 1} ${'v'.repeat(Math.floor(random() * 80))}`);
    }
    return [...chosen];
  });
}

export function fold(epochs: readonly (readonly Change[])[]): Fold {
  const state: Fold = new Map();
  for (const epoch of epochs) {
    for (const [key, value] of epoch) {
      if (value === null) state.delete(key);
      else state.set(key, value);
    }
  }
  return state;
}

export const storeKey = (key: string): Buffer => Buffer.concat([Buffer.from([1]), Buffer.from(key)]);

export function encoded(changes: readonly Change[]): EncodedChanges {
  const out = new EncodedChanges();
  for (const [key, value] of changes) out.add(storeKey(key), value === null ? null : Buffer.from(value));
  return out;
}

/** Applies epochs[from, to), each with its marker. */
export async function applyEpochs(
  store: LevelStore,
  epochs: readonly (readonly Change[])[],
  from = 0,
): Promise<void> {
  for (let i = from; i < epochs.length; i++) await store.apply(encoded(epochs[i]!), markerOf(i + 1));
}

export function valueOf(store: LevelStore, key: string): string | undefined {
  return store.get(storeKey(key))?.toString();
}

/** What the store holds under every key that any epoch wrote. */
export function contents(store: LevelStore, epochs: readonly (readonly Change[])[]): Fold {
  const found: Fold = new Map();
  for (const key of new Set(epochs.flat().map(([name]) => name))) {
    const value = valueOf(store, key);
    if (value !== undefined) found.set(key, value);
  }
  return found;
}
