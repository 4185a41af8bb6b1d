import type { ByteWriter } from '../util/byte-writer';
import { StateKeyEncoder } from './state-key';
import type { KeyValueStore, StateKey, StoreSpec } from './store';

/**
 * One cached value. `writtenIn` is the number of the last layer that wrote it (0: none); while that layer is not
 * applied to the local store, the entry is pinned: the cache is the only place that has the value.
 */
export interface CacheEntry {
  readonly store: CachedStore;
  readonly key: StateKey;
  readonly namespace: StateKey | undefined;
  value: unknown;
  writtenIn: number;
}

/** What a cached store needs of its task: the number of the open layer, what is applied, and the local store. */
export interface LayerOwner {
  readonly openLayer: number;
  readonly appliedLayer: number;
  readFromLocalStore(key: Buffer): Buffer | undefined;
  addDirty(entry: CacheEntry): void;
}

/**
 * A store as operators see it: a bounded object cache above the task's local store, holding the dirty layers.
 *
 * Two generations approximate least-recently-used in constant time: when the young one is full it becomes the old
 * one, and the old one is dropped except for pinned entries. So the bound is twice the limit plus what is pinned, and
 * what is pinned is bounded by the epoch's byte limits.
 */
export class CachedStore implements KeyValueStore<unknown> {
  private readonly owner: LayerOwner;
  private readonly spec: StoreSpec;
  private readonly keys: StateKeyEncoder;
  private readonly maxEntries: number;
  private readonly lookup: ByteWriter;
  private young = new Map<StateKey, CacheEntry>();
  private old = new Map<StateKey, CacheEntry>();

  constructor(
    owner: LayerOwner,
    spec: StoreSpec,
    maxParallelism: number,
    maxEntries: number,
    scratch: ByteWriter,
  ) {
    this.owner = owner;
    this.spec = spec;
    this.keys = new StateKeyEncoder(spec.name, maxParallelism);
    this.maxEntries = maxEntries;
    this.lookup = scratch;
  }

  get(key: StateKey, namespace?: StateKey): unknown {
    const mapKey = this.keys.mapKey(key, namespace);
    const entry = this.young.get(mapKey) ?? this.promote(mapKey);
    return entry === undefined ? this.load(mapKey, key, namespace).value : entry.value;
  }

  set(key: StateKey, value: unknown, namespace?: StateKey): void {
    const mapKey = this.keys.mapKey(key, namespace);
    const entry =
      this.young.get(mapKey) ?? this.promote(mapKey) ?? this.insert(mapKey, key, namespace, undefined);
    entry.value = value;
    if (entry.writtenIn !== this.owner.openLayer) {
      entry.writtenIn = this.owner.openLayer;
      this.owner.addDirty(entry);
    }
  }

  delete(key: StateKey, namespace?: StateKey): void {
    this.set(key, undefined, namespace);
  }

  /** Forgets everything: an epoch was aborted, and anything that survives would be a count from it (A5). */
  drop(): void {
    this.young = new Map();
    this.old = new Map();
  }

  writeKey(entry: CacheEntry, out: ByteWriter): void {
    this.keys.write(entry.key, entry.namespace, out);
  }

  writeValue(entry: CacheEntry, out: ByteWriter): void {
    this.spec.value.write(entry.value, out);
  }

  get name(): string {
    return this.spec.name;
  }

  get size(): number {
    return this.young.size + this.old.size;
  }

  private promote(mapKey: StateKey): CacheEntry | undefined {
    const entry = this.old.get(mapKey);
    if (entry === undefined) return undefined;
    this.old.delete(mapKey);
    this.keep(mapKey, entry);
    return entry;
  }

  private load(mapKey: StateKey, key: StateKey, namespace: StateKey | undefined): CacheEntry {
    const scratch = this.lookup;
    scratch.reset();
    this.keys.write(key, namespace, scratch);
    const bytes = this.owner.readFromLocalStore(scratch.buffer.subarray(0, scratch.position));
    const value = bytes === undefined ? undefined : this.spec.value.read(bytes, 0, bytes.length);
    return this.insert(mapKey, key, namespace, value);
  }

  private insert(
    mapKey: StateKey,
    key: StateKey,
    namespace: StateKey | undefined,
    value: unknown,
  ): CacheEntry {
    const entry: CacheEntry = { store: this, key, namespace, value, writtenIn: 0 };
    this.keep(mapKey, entry);
    return entry;
  }

  private keep(mapKey: StateKey, entry: CacheEntry): void {
    if (this.young.size >= this.maxEntries) this.rotate();
    this.young.set(mapKey, entry);
  }

  private rotate(): void {
    const dropped = this.old;
    this.old = this.young;
    this.young = new Map();
    for (const [key, entry] of dropped) {
      if (entry.writtenIn > this.owner.appliedLayer) this.young.set(key, entry);
    }
  }
}
