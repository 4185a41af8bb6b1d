import type { Serde } from '../serde/serde';
import type { StateKey } from '../state/store';
import type { Context } from './context';
import type { StateHandle, StateSpecs } from './state';

/** How a keyBy groups. */
export interface KeyByOptions<T> {
  /** Names the shuffle topic and the stage behind it; durable. Not needed when the keyBy stays in place. */
  readonly name?: string;
  /** Serde of the values in the shuffle topic; default: the stream's own if it came unchanged from a source, else json(). */
  readonly value?: Serde<T>;
}

/** How records are written to a topic. */
export interface SinkOptions<K, T> {
  /** Default: the stream's own if it came unchanged from a source, else json(). */
  readonly value?: Serde<T>;
  /**
   * Default: the source's while its key is the current one; behind a shuffle text: strings as they are, numbers and
   * booleans and tuples as JSON, bigints as digits.
   */
  readonly key?: Serde<K>;
}

/** The name under which state is kept. Durable: renaming it is a new, empty state. */
export interface StateName {
  readonly name: string;
}

/** An aggregation: where it begins, how a value is added, what comes out. */
export interface AggregateOptions<T, A, R> extends StateName {
  /** The accumulator of a key's first value; a fresh one each time. */
  readonly init: () => A;
  /** The accumulator with one more value. May change and return the one it was given. */
  readonly add: (accumulator: A, value: T, ctx: Context) => A;
  /** What is emitted; default: the accumulator. */
  readonly result?: (accumulator: A) => R;
  /** Serde of the accumulator; default: json(). */
  readonly value?: Serde<A>;
}

/** The name, the states and the output of a process(). */
export interface ProcessOptions<S extends StateSpecs, R> extends StateName {
  /** By the name that `ctx.state` has them under. */
  readonly state?: S;
  /** Serde of what is emitted, for what follows; also tells the compiler its type. */
  readonly emits?: Serde<R>;
}

/** What a process() function is given. Valid only during the call. */
export interface ProcessContext<K, R, S extends StateSpecs> {
  readonly key: K;
  /** Event time, milliseconds since 1970. */
  readonly timestamp: number;
  /** Hands a value on, under the same key and timestamp. Any number of times. */
  readonly emit: (value: R) => void;
  readonly state: { readonly [N in keyof S]: StateHandle<S[N]> };
}

/** A test on a value; a type guard narrows the branch. `true`, in last place, takes everything that is left. */
export type BranchPredicate<T> = ((value: T, ctx: Context<never>) => boolean) | true;

/** The type of a branch: what its guard narrows to. */
export type Branched<T, P> = P extends ((value: T, ctx: never) => value is infer S extends T) ? S : T;

/**
 * Records without a grouping key. A stream is a description: nothing runs while it is built. It can be used several
 * times; each use gets every record.
 *
 * Functions are synchronous, must not change the values they are given (siblings see them too) and must not keep
 * `ctx`. What they throw stops the job, or is skipped or dead-lettered, as `badInput` says.
 * A tombstone (null value) arrives as null: declare `json<T | null>()` for a topic that has them.
 */
export interface Stream<T> {
  /** One value for each. */
  map<R>(fn: (value: T, ctx: Context) => R): Stream<R>;
  /** The values for which `fn` holds. */
  filter<S extends T>(fn: (value: T, ctx: Context) => value is S): Stream<S>;
  filter(fn: (value: T, ctx: Context) => boolean): Stream<T>;
  /** Any number of values for each; they may come from a generator. */
  flatMap<R>(fn: (value: T, ctx: Context) => Iterable<R>): Stream<R>;
  /** Looks at values as they pass. After a failure the same record passes again. */
  peek(fn: (value: T, ctx: Context) => void): Stream<T>;
  /** Sends each value to the first branch whose predicate holds, in the order written; drops it when none does. */
  branch<P extends Readonly<Record<string, BranchPredicate<T>>>>(
    predicates: P,
  ): { readonly [N in keyof P]: Stream<Branched<T, P[N]>> };
  /** The records of all of them, without an order between them. Their stages become one. */
  merge<U = T>(...others: readonly Stream<U>[]): Stream<T | U>;
  /**
   * Groups by a key: through a shuffle topic, unless the source is `partitionedBy` this very function.
   * @throws {TidemarkError} TM1004 when it shuffles and has no name
   */
  keyBy<const K extends StateKey>(selector: (value: T) => K, options?: KeyByOptions<T>): KeyedStream<K, T>;
  /** Ends the stream in a topic, under the current key; a null value is a tombstone. May be called several times. */
  to(topic: string, options?: SinkOptions<unknown, T>): void;
}

/** A stream whose source declared `partitionedBy`: it can be grouped without a shuffle. */
export interface PartitionedStream<K extends StateKey, T> extends Stream<T> {
  filter<S extends T>(fn: (value: T, ctx: Context) => value is S): PartitionedStream<K, S>;
  filter(fn: (value: T, ctx: Context) => boolean): PartitionedStream<K, T>;
  peek(fn: (value: T, ctx: Context) => void): PartitionedStream<K, T>;
  branch<P extends Readonly<Record<string, BranchPredicate<T>>>>(
    predicates: P,
  ): { readonly [N in keyof P]: PartitionedStream<K, Branched<T, P[N]>> };
  /** Groups by the source's own key, in place. */
  keyBy(): KeyedStream<K, T>;
  keyBy<const L extends StateKey>(selector: (value: T) => L, options?: KeyByOptions<T>): KeyedStream<L, T>;
}

/**
 * Records grouped by a key: all of a key are in one task, in order. Functions that keep state live here. What they
 * emit stays grouped by the key. Records with a null value are not aggregated.
 */
export interface KeyedStream<K extends StateKey, T> extends Stream<T> {
  map<R>(fn: (value: T, ctx: Context<K>) => R): KeyedStream<K, R>;
  filter<S extends T>(fn: (value: T, ctx: Context<K>) => value is S): KeyedStream<K, S>;
  filter(fn: (value: T, ctx: Context<K>) => boolean): KeyedStream<K, T>;
  flatMap<R>(fn: (value: T, ctx: Context<K>) => Iterable<R>): KeyedStream<K, R>;
  peek(fn: (value: T, ctx: Context<K>) => void): KeyedStream<K, T>;
  branch<P extends Readonly<Record<string, BranchPredicate<T>>>>(
    predicates: P,
  ): { readonly [N in keyof P]: KeyedStream<K, Branched<T, P[N]>> };
  /** With streams grouped by the same key, in the same way, the result is grouped too. */
  merge<U = T>(...others: readonly KeyedStream<K, U>[]): KeyedStream<K, T | U>;
  merge<U = T>(...others: readonly Stream<U>[]): Stream<T | U>;
  to(topic: string, options?: SinkOptions<K, T>): void;

  /** Emits, for each record, how many its key has had. */
  count(options: StateName): KeyedStream<K, number>;
  /** Emits, for each record, the combination of all values of its key; the first value stands for itself. */
  reduce(
    fn: (accumulated: T, value: T, ctx: Context<K>) => T,
    options: StateName & { readonly value?: Serde<T> },
  ): KeyedStream<K, T>;
  /** Emits, for each record, the result of its key's accumulator. */
  aggregate<A, R = A>(options: AggregateOptions<T, A, R>): KeyedStream<K, R>;
  /** Any function over the value and the state of its key. */
  process<S extends StateSpecs = Readonly<Record<never, never>>, R = unknown>(
    options: ProcessOptions<S, R>,
    fn: (value: T, ctx: ProcessContext<K, R, S>) => void,
  ): KeyedStream<K, R>;
}
