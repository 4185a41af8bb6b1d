import { must } from '../util/asserts';
import type { GraphNode, LogicalGraph } from './graph';

type WithoutId<N> = N extends GraphNode ? Omit<N, 'id'> : never;

/** A node as a front end describes it; its id is its place in the graph. */
export type NewNode = WithoutId<GraphNode>;

/** Collects nodes in the order of their making. An input exists before its consumer, so a graph has no cycle. */
export class GraphBuilder {
  private readonly nodes: GraphNode[] = [];

  /** Adds a frozen copy of the node. @returns its id */
  add(node: NewNode): number {
    const id = this.nodes.length;
    for (const input of node.inputs) this.node(input);
    const copy: GraphNode = { ...node, id, inputs: Object.freeze([...node.inputs]) };
    freezeParts(copy);
    this.nodes.push(Object.freeze(copy));
    return id;
  }

  node(id: number): GraphNode {
    return must(this.nodes[id], `node ${id}`);
  }

  /** The graph so far, immutable. */
  build(): LogicalGraph {
    return Object.freeze({ nodes: Object.freeze([...this.nodes]) });
  }
}

function freezeParts(node: GraphNode): void {
  if (node.kind === 'aggregate') Object.freeze(node.store);
  if (node.kind === 'split') Object.freeze(node.predicates);
  if (node.kind !== 'process') return;
  for (const part of [...node.stores, ...node.states]) Object.freeze(part);
  Object.freeze(node.stores);
  Object.freeze(node.states);
}
