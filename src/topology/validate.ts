import type { GraphNode, LogicalGraph } from './graph';
import { isShuffle } from './graph';
import { labelOf, pathTo } from './labels';
import { badDefinition } from './names';

/**
 * What a graph must hold whichever front end made it.
 * @throws {TidemarkError} TM1004 for a job without sink, a name or source topic used twice, a source or keyBy whose
 *   records nobody takes
 */
export function validateGraph(graph: LogicalGraph, jobName: string): void {
  const { nodes } = graph;
  if (!nodes.some((node) => node.kind === 'sink')) {
    throw badDefinition(
      `job '${jobName}' has no sink: nothing of it would be visible`,
      'end a stream with to()',
    );
  }
  refuseDuplicates(nodes, sourceTopic, 'reads the topic', 'declare the source once and use its stream twice');
  refuseDuplicates(nodes, shuffleName, 'shuffles under the name', 'give each keyBy its own name');
  refuseDuplicates(nodes, stateNames, 'keeps state under the name', 'give each stateful call its own name');
  refuseUnused(nodes);
}

const sourceTopic = (node: GraphNode): readonly string[] => (node.kind === 'source' ? [node.topic] : []);
const shuffleName = (node: GraphNode): readonly string[] => (isShuffle(node) ? [node.name] : []);

function stateNames(node: GraphNode): readonly string[] {
  if (node.kind === 'aggregate') return [node.store.name];
  return node.kind === 'process' ? [node.name, ...node.stores.map((store) => store.name)] : [];
}

function refuseDuplicates(
  nodes: readonly GraphNode[],
  namesOf: (node: GraphNode) => readonly string[],
  does: string,
  hint: string,
): void {
  const owners = new Map<string, GraphNode>();
  for (const node of nodes) {
    for (const name of namesOf(node)) {
      const owner = owners.get(name);
      if (owner !== undefined)
        throw badDefinition(
          `${labelOf(node)} ${does} '${name}', and so does ${labelOf(owner)}`,
          hint,
          pathTo(nodes, node.id),
        );
      owners.set(name, node);
    }
  }
}

function refuseUnused(nodes: readonly GraphNode[]): void {
  const used = new Set(nodes.flatMap((node) => node.inputs));
  for (const node of nodes) {
    if (used.has(node.id) || !(node.kind === 'source' || isShuffle(node))) continue;
    const path = pathTo(nodes, node.id);
    throw badDefinition(
      `nothing takes the records of ${labelOf(node)}`,
      'remove it, or do something with its stream',
      path,
    );
  }
}
