import type { MapNode } from '../topology/graph';
import type { Receiver, RecordContext } from './operator';

/** Hands on what `fn` returns, one for one. */
export class MapOperator implements Receiver<unknown> {
  private readonly fn: (value: unknown, ctx: RecordContext) => unknown;
  private readonly downstream: Receiver<unknown>;

  constructor(node: MapNode, downstream: Receiver<unknown>) {
    this.fn = node.fn as (value: unknown, ctx: RecordContext) => unknown;
    this.downstream = downstream;
  }

  receive(value: unknown, ctx: RecordContext): void {
    const fn = this.fn;
    this.downstream.receive(fn(value, ctx), ctx);
  }
}
