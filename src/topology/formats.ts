import type { GraphNode } from './graph';
import type { Stage } from './stage';

/** What is kept in Kafka, and the form of its values: `state <store>` or `shuffle <name>` → such as `value json`. */
export type Formats = Readonly<Record<string, string>>;

/**
 * The form in which a job's durable values are written: the kind of each state and the names of the serdes. Bytes that
 * one serde wrote are read by another without an error, and mean something else.
 */
export function formatsOf(stages: readonly Stage[]): Formats {
  return Object.fromEntries(stages.flatMap(({ nodes }) => nodes.flatMap(formatsOfNode)));
}

function formatsOfNode(node: GraphNode): [string, string][] {
  switch (node.kind) {
    case 'aggregate':
      return [[`state ${node.store.name}`, `value ${node.store.value.name}`]];
    case 'process':
      return node.states.map(({ kind, store }) => [`state ${store.name}`, `${kind} ${store.value.name}`]);
    case 'key-by':
      return node.inPlace ? [] : [[`shuffle ${node.name}`, `value ${node.value.name}`]];
    default:
      return [];
  }
}
