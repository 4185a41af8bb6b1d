import { TidemarkError } from '../errors';
import type { KeyValueStore, StateKey } from '../state/store';
import type { AggregateNode } from '../topology/graph';
import type { Receiver, RecordContext } from './operator';

/**
 * One accumulator a key: adds each value to it, stores it, hands on its result, under the key.
 * A null value is skipped, as Kafka Streams' aggregations skip it: there is nothing to add.
 * Invariant: what is handed on was stored first, and nothing is kept between records but the store.
 */
export class AggregateOperator implements Receiver<unknown> {
  private readonly store: KeyValueStore<unknown>;
  private readonly init: () => unknown;
  private readonly add: (accumulator: unknown, value: unknown, ctx: RecordContext) => unknown;
  private readonly result: (accumulator: unknown) => unknown;
  private readonly name: string;
  private readonly downstream: Receiver<unknown>;

  constructor(node: AggregateNode, store: KeyValueStore<unknown>, downstream: Receiver<unknown>) {
    this.store = store;
    this.init = node.init;
    this.add = node.add as (accumulator: unknown, value: unknown, ctx: RecordContext) => unknown;
    this.result = node.result as (accumulator: unknown) => unknown;
    this.name = node.store.name;
    this.downstream = downstream;
  }

  receive(value: unknown, ctx: RecordContext): void {
    if (value === null || value === undefined) return;
    const { add, init, result, store } = this;
    const key = ctx.key as StateKey;
    const stored = store.get(key);
    const next = add(stored === undefined ? init() : stored, value, ctx);
    if (next === null || next === undefined) throw nothingToStore(this.name, next);
    store.set(key, next);
    this.downstream.receive(result(next), ctx);
  }
}

function nothingToStore(name: string, value: null | undefined): TidemarkError {
  return new TidemarkError('TM3002', 'stop', `the new accumulator of '${name}' is ${value}`, {
    hint: 'return it from the function; to remove state use process() and clear()',
  });
}
