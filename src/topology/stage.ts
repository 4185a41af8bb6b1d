import type { StoreSpec } from '../state/store';
import type { GraphNode, KeyByNode, SinkNode, SourceNode } from './graph';

/** What a stage reads: a source topic, or the shuffle topic that a keyBy of an upstream stage writes. */
export type StageInput =
  | { readonly kind: 'source'; readonly node: SourceNode }
  | { readonly kind: 'shuffle'; readonly node: KeyByNode; readonly upstream: string };

/**
 * The part of a topology between two shuffles. Its name is durable (changelog topic, task ids, store folder) and
 * comes from what the user named: the keyBy that feeds it, else its first source topic.
 */
export interface Stage {
  readonly name: string;
  /** Position in topological order; for display and for ordering work, never durable. */
  readonly index: number;
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly StageInput[];
  readonly sinks: readonly SinkNode[];
  /** The keyBys at the end of this stage, whose shuffle topics it writes. */
  readonly shuffles: readonly KeyByNode[];
  readonly stores: readonly StoreSpec[];
}

export interface Topology {
  readonly stages: readonly Stage[];
  /** Changes when anything changes that durable state or internal topics depend on; not when code changes. */
  readonly fingerprint: string;
}
