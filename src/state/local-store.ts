import type { Marker, StoreFacts } from '../epoch/protocol/recovery-plan';
import type { EncodedChanges } from './encoded-changes';

/**
 * The local store of one task: a cache of the changelog, never the truth (I1). Keys are changelog keys.
 * What callers hold to: one owner object per folder; `apply` is called with committed changes only, one call at a
 * time, in log order; nothing is read or applied after `close` was called.
 */
export interface LocalStore {
  /** The marker that was written last; null before the first. */
  readonly marker: Marker | null;
  /** A write was refused: nothing is read or written any more; close it and open the folder anew. */
  readonly failed: boolean;
  /** {@link failed}, and what is on disk is damaged: it must be replaced, opening it anew would not help. */
  readonly unreadable: boolean;
  /**
   * The value under a changelog key, or undefined. Synchronous: operators do not wait.
   * @throws {TidemarkError} TM4005 (abort-epoch) when the disk holds something damaged in its place
   */
  get(key: Buffer): Buffer | undefined;
  /**
   * Writes changes and then the marker. Everything up to the marker is visible to a reopened store or the marker is
   * not (A6): changes go in bounded batches, the marker with the last one. `marker` null: part of a replay; a store
   * that is reopened before the next marker is replayed from the last one, which writes the same values again.
   * @throws {TidemarkError} TM4005 (abort-epoch) when the disk refuses; the store must not be used any further.
   */
  apply(changes: EncodedChanges, marker: Marker | null): Promise<void>;
  /** Waits for writes under way and releases the folder. Idempotent. */
  close(): Promise<void>;
}

/** What was found; `store` null: it does not open, or its chain is broken, and it must be replaced. */
export interface OpenedStore {
  readonly store: LocalStore | null;
  readonly facts: StoreFacts;
}

/** Opens local stores of tasks: one per back end. */
export interface StateBackend {
  readonly name: 'heap' | 'leveldb';
  /** Opens what is there, or an empty store. A broken one is reported, not touched. */
  open(task: { readonly stage: string; readonly partition: number }): Promise<OpenedStore>;
  /** Sets what is there aside (closed before) and opens an empty store in its place. */
  replace(task: { readonly stage: string; readonly partition: number }): Promise<LocalStore>;
}
