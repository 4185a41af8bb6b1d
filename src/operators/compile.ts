import { AssertionError, must, unreachable } from '../util/asserts';
import type { BranchNode, GraphNode, KeyByNode, SourceNode, SplitNode } from '../topology/graph';
import type { Stage, StageInput } from '../topology/stage';
import { inputId } from '../topology/stage-input';
import { AggregateOperator } from './aggregate';
import { fanOut } from './fan-out';
import { FilterOperator } from './filter';
import { FlatMapOperator } from './flat-map';
import { KeyByInPlaceOperator } from './key-by-in-place';
import { KeyByShuffleOperator } from './key-by-shuffle';
import { MapOperator } from './map';
import type { InputHandler, Receiver, TaskEnvironment } from './operator';
import { PeekOperator } from './peek';
import { ProcessOperator } from './process';
import { ShuffleInput } from './shuffle-input';
import { SinkOperator } from './sink';
import { SourceInput } from './source-input';
import { SplitOperator } from './split';

/** The operator chain of one task. */
export interface CompiledStage {
  /** By {@link inputId}: the topic of a source, `shuffle:` and the keyBy's name of a shuffle. */
  readonly inputs: ReadonlyMap<string, InputHandler>;
}

/** Builds the operator chain of one task: opens the stage's stores, sinks and shuffles once each in `env`. */
export function compileStage(stage: Stage, env: TaskEnvironment): CompiledStage {
  const compiler = new StageCompiler(stage, env);
  return { inputs: new Map(stage.inputs.map((input) => [inputId(input), compiler.input(input)])) };
}

class StageCompiler {
  private readonly env: TaskEnvironment;
  private readonly nodes: ReadonlyMap<number, GraphNode>;
  private readonly consumers = new Map<number, GraphNode[]>();
  private readonly receivers = new Map<number, Receiver<unknown>>();

  constructor(stage: Stage, env: TaskEnvironment) {
    this.env = env;
    this.nodes = new Map(stage.nodes.map((node) => [node.id, node]));
    for (const node of stage.nodes) for (const input of node.inputs) this.consumersOf(input).push(node);
  }

  input(input: StageInput): InputHandler {
    const downstream = this.downstream(input.node);
    if (input.kind === 'shuffle') return new ShuffleInput(input.node, downstream);
    return new SourceInput(input.node, this.readsKey(input.node), downstream);
  }

  /** Whether anything behind the node could look at the source's key: all but keyBys are given it. */
  private readsKey(node: GraphNode): boolean {
    return this.consumersOf(node.id).some((consumer) => {
      if (consumer.kind === 'key-by') return false;
      return consumer.kind === 'merge' ? this.readsKey(consumer) : true;
    });
  }

  private consumersOf(id: number): GraphNode[] {
    const found = this.consumers.get(id) ?? [];
    this.consumers.set(id, found);
    return found;
  }

  private downstream(node: GraphNode): Receiver<unknown> {
    return fanOut(this.consumersOf(node.id).map((consumer) => this.receiver(consumer)));
  }

  /** The node's operator, made once also when several inputs lead to it: it may own a store. */
  private receiver(node: GraphNode): Receiver<unknown> {
    const known = this.receivers.get(node.id);
    if (known !== undefined) return known;
    const made = this.make(node);
    this.receivers.set(node.id, made);
    return made;
  }

  private make(node: GraphNode): Receiver<unknown> {
    switch (node.kind) {
      case 'map':
        return new MapOperator(node, this.downstream(node));
      case 'filter':
        return new FilterOperator(node, this.downstream(node));
      case 'flat-map':
        return new FlatMapOperator(node, this.downstream(node));
      case 'peek':
        return new PeekOperator(node, this.downstream(node));
      case 'split':
        return new SplitOperator(node, this.branches(node));
      case 'key-by':
        return this.keyBy(node);
      case 'aggregate':
        return new AggregateOperator(node, this.env.store(node.store), this.downstream(node));
      case 'process':
        return new ProcessOperator(node, (spec) => this.env.store(spec), this.downstream(node));
      case 'sink':
        return new SinkOperator(this.env.sink(node));
      // Neither has anything to do at run time: values go straight to what follows.
      case 'merge':
      case 'branch':
        return this.downstream(node);
      case 'source':
        throw new AssertionError('a source takes no records from another node');
      default:
        return unreachable(node);
    }
  }

  private branches(split: SplitNode): readonly Receiver<unknown>[] {
    const outlets = this.consumersOf(split.id).filter((node): node is BranchNode => node.kind === 'branch');
    return split.predicates.map((_predicate, index) =>
      fanOut(outlets.filter((node) => node.index === index).map((node) => this.receiver(node))),
    );
  }

  private keyBy(node: KeyByNode): Receiver<unknown> {
    if (!node.inPlace) return new KeyByShuffleOperator(node, this.env.shuffle(node));
    const source = this.sourceOf(node);
    return new KeyByInPlaceOperator(node, source, this.env.sourcePartitions(source), this.downstream(node));
  }

  /** The source whose `partitionedBy` an in-place keyBy relies on: nothing but pass-through nodes are in between. */
  private sourceOf(node: GraphNode): SourceNode {
    let at = node;
    while (at.kind !== 'source') at = must(this.nodes.get(at.inputs[0] ?? -1), 'source of a keyBy in place');
    return at;
  }
}
