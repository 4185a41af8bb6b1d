import { must } from '../util/asserts';
import type { LogicalGraph, SourceNode } from '../topology/graph';
import { GraphBuilder, type NewNode } from '../topology/graph-builder';
import { pathTo } from '../topology/labels';
import { badDefinition } from '../topology/names';

/** The graph of one job while its definition runs; afterwards it takes no more. */
export class JobBuilder {
  private readonly graph = new GraphBuilder();
  private open = true;

  /** @throws {TidemarkError} TM1004 when the definition is over */
  add(call: string, node: NewNode): number {
    if (this.open) return this.graph.add(node);
    throw badDefinition(
      `${call} is called after the job was defined`,
      'build streams inside defineJob, synchronously',
    );
  }

  /** The source at the head of the stream that ends in a node. */
  firstSource(node: number): SourceNode {
    let at = this.graph.node(node);
    while (at.kind !== 'source') at = this.graph.node(must(at.inputs[0], 'an input'));
    return at;
  }

  /** How messages name the stream that ends in a node. */
  path(node: number): string {
    return pathTo(this.graph.build().nodes, node);
  }

  finish(): LogicalGraph {
    this.open = false;
    return this.graph.build();
  }
}
