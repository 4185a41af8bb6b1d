import type { FlatMapNode } from '../topology/graph';
import type { Receiver, RecordContext } from './operator';

/** Hands on each value of the iterable that `fn` returns, as it is produced: a generator is never collected. */
export class FlatMapOperator implements Receiver<unknown> {
  private readonly fn: (value: unknown, ctx: RecordContext) => Iterable<unknown>;
  private readonly downstream: Receiver<unknown>;

  constructor(node: FlatMapNode, downstream: Receiver<unknown>) {
    this.fn = node.fn as (value: unknown, ctx: RecordContext) => Iterable<unknown>;
    this.downstream = downstream;
  }

  receive(value: unknown, ctx: RecordContext): void {
    const fn = this.fn;
    for (const produced of fn(value, ctx)) this.downstream.receive(produced, ctx);
  }
}
