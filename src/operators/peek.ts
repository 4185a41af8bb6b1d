import type { PeekNode } from '../topology/graph';
import type { Receiver, RecordContext } from './operator';

/** Calls `fn` and hands the same value on. */
export class PeekOperator implements Receiver<unknown> {
  private readonly fn: (value: unknown, ctx: RecordContext) => void;
  private readonly downstream: Receiver<unknown>;

  constructor(node: PeekNode, downstream: Receiver<unknown>) {
    this.fn = node.fn as (value: unknown, ctx: RecordContext) => void;
    this.downstream = downstream;
  }

  receive(value: unknown, ctx: RecordContext): void {
    const fn = this.fn;
    fn(value, ctx);
    this.downstream.receive(value, ctx);
  }
}
