import { TidemarkError } from '../errors';
import type { KeyPart, KeyValueStore, StateKey } from '../state/store';
import type { StateBinding } from '../topology/graph';

/** Where a state handle learns the key of the record that is being processed. */
export interface CurrentKey {
  stateKey(): StateKey;
}

/** The handle of a value a key: `ctx.state.<name>` of a process(). */
export class ValueStateHandle {
  private readonly binding: StateBinding;
  private readonly store: KeyValueStore<unknown>;
  private readonly current: CurrentKey;

  constructor(binding: StateBinding, store: KeyValueStore<unknown>, current: CurrentKey) {
    this.binding = binding;
    this.store = store;
    this.current = current;
  }

  get(): unknown {
    const stored = this.store.get(this.current.stateKey());
    return stored === undefined ? this.binding.initial?.() : stored;
  }

  set(value: unknown): void {
    refuseNothing(value, this.binding);
    this.store.set(this.current.stateKey(), value);
  }

  clear(): void {
    this.store.delete(this.current.stateKey());
  }
}

/** The handle of a map a key. Each entry is stored by itself, under (key, map key). */
export class MapStateHandle {
  private readonly binding: StateBinding;
  private readonly store: KeyValueStore<unknown>;
  private readonly current: CurrentKey;

  constructor(binding: StateBinding, store: KeyValueStore<unknown>, current: CurrentKey) {
    this.binding = binding;
    this.store = store;
    this.current = current;
  }

  get(mapKey: KeyPart): unknown {
    return this.store.get(entryKey(this.current.stateKey(), mapKey));
  }

  set(mapKey: KeyPart, value: unknown): void {
    refuseNothing(value, this.binding);
    this.store.set(entryKey(this.current.stateKey(), mapKey), value);
  }

  delete(mapKey: KeyPart): void {
    this.store.delete(entryKey(this.current.stateKey(), mapKey));
  }
}

/**
 * (key, map key) as one flat tuple. Behind a tuple stands its length, so that the key 'a' and the key ['a'] do not
 * share entries.
 */
function entryKey(key: StateKey, mapKey: KeyPart): StateKey {
  if (!Array.isArray(key)) return [key as KeyPart, mapKey];
  const tuple = key as readonly KeyPart[];
  return [...tuple, tuple.length, mapKey];
}

function refuseNothing(value: unknown, binding: StateBinding): void {
  if (value !== null && value !== undefined) return;
  throw new TidemarkError('TM3002', 'stop', `the state '${binding.store.name}' cannot be set to ${value}`, {
    hint: binding.kind === 'value' ? 'clear() removes it' : 'delete() removes an entry',
  });
}
