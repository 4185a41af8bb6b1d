import { must } from '../util/asserts';
import type { SplitNode } from '../topology/graph';
import type { Receiver, RecordContext } from './operator';

type Predicate = (value: unknown, ctx: RecordContext) => boolean;

/** Hands a value to the branch of the first predicate that holds; drops it when none does. */
export class SplitOperator implements Receiver<unknown> {
  private readonly predicates: readonly Predicate[];
  private readonly branches: readonly Receiver<unknown>[];

  /** @param branches by the index of their predicate */
  constructor(node: SplitNode, branches: readonly Receiver<unknown>[]) {
    this.predicates = node.predicates as readonly Predicate[];
    this.branches = branches;
  }

  receive(value: unknown, ctx: RecordContext): void {
    const index = this.predicates.findIndex((holds) => holds(value, ctx));
    if (index !== -1) must(this.branches[index], 'branch').receive(value, ctx);
  }
}
