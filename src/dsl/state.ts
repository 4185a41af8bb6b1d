import { json } from '../serde/json';
import type { Serde } from '../serde/serde';
import type { KeyPart } from '../state/store';

/** Declares a value a key, for {@link KeyedStream.process}. `G` is what `get` answers. */
export interface ValueStateSpec<V, G> {
  readonly kind: 'value';
  readonly value: Serde<V>;
  /** Makes what `get` answers when nothing was set; undefined when the state has no default. */
  readonly initial: (() => G) | undefined;
}

/** Declares a map a key, for {@link KeyedStream.process}. */
export interface MapStateSpec<K extends KeyPart, V> {
  readonly kind: 'map';
  readonly value: Serde<V>;
  /** Only for the types. */
  readonly mapKey?: K;
}

/** What {@link valueState} or {@link mapState} made. */
export type StateSpec = ValueStateSpec<unknown, unknown> | MapStateSpec<KeyPart, unknown>;
/** The states that a process() declares, by the names it has them under. */
export type StateSpecs = Readonly<Record<string, StateSpec>>;

/** A value under the current key. After changing an object in place, `set` it again. */
export interface ValueState<V, G = V | undefined> {
  /** What was set, else the default, else undefined. */
  get(): G;
  /** @throws {TidemarkError} TM3002 for null and undefined: `clear` removes */
  set(value: V): void;
  clear(): void;
}

/** A map under the current key; every entry is kept, logged and read by itself. */
export interface MapState<K extends KeyPart, V> {
  get(key: K): V | undefined;
  /** @throws {TidemarkError} TM3002 for null and undefined: `delete` removes */
  set(key: K, value: V): void;
  delete(key: K): void;
}

/** What `ctx.state` offers for a declaration. */
export type StateHandle<S> =
  S extends MapStateSpec<infer K, infer V>
    ? MapState<K, V>
    : S extends ValueStateSpec<infer V, infer G>
      ? ValueState<V, G>
      : never;

/**
 * A value a key. Its name is its property in `state`, joined to the process's name: `<process>.<state>`.
 *
 * @param options.value serde, default {@link json}
 * @param options.default what `get` answers before the first `set`: a function is called each time, an object is
 *   copied each time, so that keys do not share it
 */
export function valueState<V>(options: {
  readonly value?: Serde<V>;
  readonly default: V | (() => V);
}): ValueStateSpec<V, V>;
export function valueState<V>(options?: { readonly value?: Serde<V> }): ValueStateSpec<V, V | undefined>;
export function valueState<V>(
  options: { readonly value?: Serde<V>; readonly default?: V | (() => V) } = {},
): ValueStateSpec<V, V | undefined> {
  return Object.freeze({
    kind: 'value',
    value: options.value ?? json<V>(),
    initial: initialOf(options.default),
  });
}

function initialOf<V>(given: V | (() => V) | undefined): (() => V) | undefined {
  if (given === undefined) return undefined;
  if (typeof given === 'function') return given as () => V;
  if (typeof given !== 'object') return () => given;
  return () => structuredClone(given);
}

/**
 * A map a key, with entries stored under (key, map key). It has no size and no iteration: it never has to be in memory.
 *
 * @param options.value serde of the entries' values, default {@link json}
 */
export function mapState<K extends KeyPart, V>(
  options: { readonly value?: Serde<V> } = {},
): MapStateSpec<K, V> {
  return Object.freeze({ kind: 'map', value: options.value ?? json<V>() });
}
