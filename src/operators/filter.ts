import type { FilterNode } from '../topology/graph';
import type { Receiver, RecordContext } from './operator';

/** Hands on the values for which `fn` holds. */
export class FilterOperator implements Receiver<unknown> {
  private readonly fn: (value: unknown, ctx: RecordContext) => boolean;
  private readonly downstream: Receiver<unknown>;

  constructor(node: FilterNode, downstream: Receiver<unknown>) {
    this.fn = node.fn as (value: unknown, ctx: RecordContext) => boolean;
    this.downstream = downstream;
  }

  receive(value: unknown, ctx: RecordContext): void {
    const fn = this.fn;
    if (fn(value, ctx)) this.downstream.receive(value, ctx);
  }
}
