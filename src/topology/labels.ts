import type { GraphNode } from './graph';
import { unreachable } from '../util/asserts';

/** A node as the user would call it: `keyBy by-user`. For messages and `tidemark explain`. */
export function labelOf(node: GraphNode): string {
  switch (node.kind) {
    case 'source':
      return `source ${node.topic}`;
    case 'key-by':
      return node.inPlace ? `keyBy ${node.name} (in place)` : `keyBy ${node.name}`;
    case 'aggregate':
      return `${node.call ?? 'aggregate'} ${node.store.name}`;
    case 'process':
      return `process ${node.name}`;
    case 'branch':
      return `branch ${node.name}`;
    case 'sink':
      return `to ${node.topic}`;
    case 'flat-map':
      return 'flatMap';
    case 'map':
    case 'filter':
    case 'peek':
    case 'split':
    case 'merge':
      return node.kind;
    default:
      return unreachable(node);
  }
}

/** The way from a source to a node along first inputs: `source clicks > filter > keyBy by-user`. */
export function pathTo(nodes: readonly GraphNode[], id: number): string {
  const labels: string[] = [];
  for (let at = nodes[id]; at !== undefined; at = nodes[at.inputs[0] ?? -1]) labels.unshift(labelOf(at));
  return labels.join(' > ');
}
