import type { Serde } from '../serde/serde';
import type { StateKey, StoreSpec } from '../state/store';
import type { RecordContext } from '../operators/operator';

/**
 * The logical graph: frozen nodes, each pointing at its inputs. The DSL and SQL both lower to it; nothing here runs.
 * Node ids are positions in `LogicalGraph.nodes`; nothing durable is derived from them.
 */
interface NodeBase {
  readonly id: number;
  readonly inputs: readonly number[];
}
/** What happens to a record that cannot be deserialized or whose operator throws (CONTRACT, bad input). */
export type BadInputPolicy =
  | { readonly kind: 'fail' }
  | { readonly kind: 'skip' }
  | { readonly kind: 'dead-letter'; readonly topic: string };

export type StartFrom = 'earliest' | 'latest';

export interface SourceNode extends NodeBase {
  readonly kind: 'source';
  readonly topic: string;
  readonly key: Serde<unknown>;
  readonly value: Serde<unknown>;
  readonly startFrom: StartFrom;
  /** Undefined: the job's default policy. */
  readonly badInput: BadInputPolicy | undefined;
  /** The source's records are already partitioned by this key, with Kafka's default partitioner over `key`. */
  readonly partitionedBy: ((value: never) => StateKey) | undefined;
}
export interface MapNode extends NodeBase {
  readonly kind: 'map';
  readonly fn: (value: never, ctx: RecordContext) => unknown;
}
export interface FilterNode extends NodeBase {
  readonly kind: 'filter';
  readonly fn: (value: never, ctx: RecordContext) => boolean;
}
export interface FlatMapNode extends NodeBase {
  readonly kind: 'flat-map';
  readonly fn: (value: never, ctx: RecordContext) => Iterable<unknown>;
}
export interface KeyByNode extends NodeBase {
  readonly kind: 'key-by';
  /** The user's name: names the shuffle topic and the stage behind it. In place and unnamed: the source's topic. */
  readonly name: string;
  readonly key: (value: never) => StateKey;
  /** Of the values in the shuffle topic. */
  readonly value: Serde<unknown>;
  /** Set when the source declared `partitionedBy` this very selector: no shuffle, the same stage goes on. */
  readonly inPlace: boolean;
}
/** Calls `fn` for its side effects and hands the value on untouched. */
export interface PeekNode extends NodeBase {
  readonly kind: 'peek';
  readonly fn: (value: never, ctx: RecordContext) => void;
}
/** Asks the predicates in order, each at most once a record; the first that holds names the branch. */
export interface SplitNode extends NodeBase {
  readonly kind: 'split';
  readonly predicates: readonly ((value: never, ctx: RecordContext) => boolean)[];
}
/** One outlet of a split, its only input: what `predicates[index]` took. */
export interface BranchNode extends NodeBase {
  readonly kind: 'branch';
  readonly name: string;
  readonly index: number;
}
/** count, reduce and aggregate: one accumulator per key, emitted on every record. */
export interface AggregateNode extends NodeBase {
  readonly kind: 'aggregate';
  /** The call that made it, for display; `aggregate` when absent. */
  readonly call?: 'count' | 'reduce' | 'aggregate';
  readonly store: StoreSpec;
  readonly init: () => unknown;
  readonly add: (accumulator: never, value: never, ctx: RecordContext) => unknown;
  /** Accumulator to emitted value. */
  readonly result: (accumulator: never) => unknown;
}
/** One entry of `ctx.state` in a process(): a value a key, or a map a key, whose entries are stored one by one. */
export interface StateBinding {
  readonly kind: 'value' | 'map';
  /** As the user's function sees it. */
  readonly name: string;
  readonly store: StoreSpec;
  /** Of a value: what `get` answers when nothing was set; makes a fresh one each time. */
  readonly initial?: () => unknown;
}
export interface ProcessNode extends NodeBase {
  readonly kind: 'process';
  readonly name: string;
  readonly stores: readonly StoreSpec[];
  readonly states: readonly StateBinding[];
  readonly fn: (value: never, ctx: never) => void;
}
export interface MergeNode extends NodeBase {
  readonly kind: 'merge';
}
export interface SinkNode extends NodeBase {
  readonly kind: 'sink';
  readonly topic: string;
  readonly key: Serde<unknown>;
  readonly value: Serde<unknown>;
}

export type GraphNode =
  | SourceNode
  | MapNode
  | FilterNode
  | FlatMapNode
  | PeekNode
  | SplitNode
  | BranchNode
  | KeyByNode
  | AggregateNode
  | ProcessNode
  | MergeNode
  | SinkNode;

export interface LogicalGraph {
  readonly nodes: readonly GraphNode[];
}

/** A keyBy whose records go through a shuffle topic: the end of its stage. */
export function isShuffle(node: GraphNode): node is KeyByNode {
  return node.kind === 'key-by' && !node.inPlace;
}
