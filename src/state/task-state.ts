import type { Marker } from '../epoch/protocol/recovery-plan';
import { TidemarkError } from '../errors';
import { assert } from '../util/asserts';
import { ByteWriter } from '../util/byte-writer';
import { CachedStore, type CacheEntry, type LayerOwner } from './cached-store';
import { EncodedChanges } from './encoded-changes';
import type { LocalStore } from './local-store';
import type { KeyValueStore, StoreSpec } from './store';
import { UnwritableState } from './unwritable-state';

/** A guess for the size of a change until the first epoch has been encoded. */
const INITIAL_CHANGE_BYTES = 64;

/**
 * All state of one task: its stores, their dirty layers and the local store underneath.
 *
 * Layers are numbered. Writes go to the open layer; {@link seal} encodes it for the changelog and opens the next one;
 * {@link apply} writes a sealed layer to the local store once its epoch is committed. So there are two dirty layers
 * at most: the one being committed and the open one above it.
 *
 * Invariant: the local store never holds anything of a layer that was not handed to `apply` (I1), and after
 * {@link drop} nothing of an unapplied layer is left in memory (A5).
 */
export class TaskState implements LayerOwner {
  openLayer = 1;
  appliedLayer = 0;
  private readonly stores = new Map<string, CachedStore>();
  private readonly lookup = new ByteWriter(256);
  private readonly maxParallelism: number;
  private readonly cacheEntries: number;
  private dirty: CacheEntry[] = [];
  private bytesPerChange = INITIAL_CHANGE_BYTES;
  private sealedLayer = 0;
  private local: LocalStore;

  constructor(local: LocalStore, specs: readonly StoreSpec[], maxParallelism: number, cacheEntries: number) {
    this.local = local;
    this.maxParallelism = maxParallelism;
    this.cacheEntries = Math.max(16, Math.floor(cacheEntries / Math.max(1, specs.length)));
    for (const spec of specs) {
      this.stores.set(
        spec.name,
        new CachedStore(this, spec, this.maxParallelism, this.cacheEntries, this.lookup),
      );
    }
  }

  store(name: string): KeyValueStore<unknown> {
    const store = this.stores.get(name);
    assert(store !== undefined, () => `store ${name} was not declared by the stage`);
    return store;
  }

  readFromLocalStore(key: Buffer): Buffer | undefined {
    return this.local.get(key);
  }

  addDirty(entry: CacheEntry): void {
    this.dirty.push(entry);
  }

  /** Estimated size of the open layer, bytes. */
  get dirtyBytes(): number {
    return this.dirty.length * this.bytesPerChange;
  }

  /**
   * Encodes the open layer, each changed key once, and opens the next.
   * @throws {UnwritableState}; {TidemarkError} TM4005 when a read has failed, also one whose error an operator has caught
   */
  seal(): EncodedChanges {
    if (this.local.failed)
      throw new TidemarkError('TM4005', 'abort-epoch', 'the local store failed in this epoch');
    assert(this.sealedLayer === this.appliedLayer, 'a layer is sealed while another is being committed');
    const changes = new EncodedChanges();
    for (const entry of this.dirty) this.encode(entry, changes);
    if (changes.count > 0) this.bytesPerChange = Math.max(16, changes.byteLength / changes.count);
    this.dirty = [];
    this.sealedLayer = this.openLayer++;
    return changes;
  }

  /** Writes the sealed layer, whose epoch is committed, to the local store (A6). */
  async apply(changes: EncodedChanges, marker: Marker): Promise<void> {
    const layer = this.sealedLayer;
    await this.local.apply(changes, marker);
    if (this.sealedLayer === layer) this.appliedLayer = layer;
  }

  /** Forgets every layer and the cache above the local store. */
  drop(): void {
    for (const store of this.stores.values()) store.drop();
    this.dirty = [];
    this.sealedLayer = this.openLayer++;
    this.appliedLayer = this.sealedLayer;
  }

  private encode(entry: CacheEntry, changes: EncodedChanges): void {
    const out = changes.out;
    const keyStart = out.position;
    entry.store.writeKey(entry, out);
    const keyEnd = out.position;
    if (entry.value === undefined) return changes.seal(keyStart, keyEnd, -1);
    try {
      entry.store.writeValue(entry, out);
    } catch (cause) {
      throw new UnwritableState(`a value of state ${entry.store.name}`, cause);
    }
    changes.seal(keyStart, keyEnd, keyEnd);
  }
}
