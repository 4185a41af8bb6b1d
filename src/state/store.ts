import type { Serde } from '../serde/serde';

/** Keys that state can be kept under: primitives, or tuples of primitives. Encoded in an order-preserving way. */
export type KeyPart = string | number | bigint | boolean;
/** A key that records are grouped by. */
export type StateKey = KeyPart | readonly KeyPart[];

/** What a stage declares about one store. The name is the user's and durable: it is part of every stored key. */
export interface StoreSpec {
  readonly name: string;
  readonly value: Serde<unknown>;
}

/**
 * A keyed store of one task, as operators see it: synchronous, values are live objects.
 * Contract: `get` may return the very object that was `set`; after changing it in place call `set` again, or the
 * change is not written. Nothing is durable before the epoch that it belongs to has committed; an aborted epoch
 * undoes it. Operators must not keep values across records.
 */
export interface KeyValueStore<V> {
  /** `namespace` tells several values under one key apart (a map state's key, later a window): ordered within the key. */
  get(key: StateKey, namespace?: StateKey): V | undefined;
  set(key: StateKey, value: V, namespace?: StateKey): void;
  delete(key: StateKey, namespace?: StateKey): void;
}
