import { json } from '../serde/json';
import type { Serde } from '../serde/serde';
import { sinkKey } from '../serde/sink-key';
import type { StateKey } from '../state/store';
import type { MapNode, FilterNode, FlatMapNode, PeekNode } from '../topology/graph';
import type { NewNode } from '../topology/graph-builder';
import { badDefinition, checkName, checkTopic } from '../topology/names';
import { checkFunction, checkSerde } from './arguments';
import { splitPredicates } from './branches';
import { aggregateNode, countNode, processNode, reduceNode, type StatefulNode } from './stateful-nodes';
import type { JobBuilder } from './job-builder';
import type { StateSpecs } from './state';
import type {
  AggregateOptions,
  BranchPredicate,
  KeyByOptions,
  ProcessOptions,
  SinkOptions,
  StateName,
} from './stream';

type Selector = (value: never) => StateKey;

/** How records of a stream are spread over tasks: `mixed` after a merge of the other two, `none` before a keyBy. */
type Grouping = 'none' | 'shuffled' | 'in-place' | 'mixed';

/** What is known of a stream beside the node that it comes out of. */
export interface StreamTraits {
  readonly grouping: Grouping;
  /** Of the values, while they are what a serde has read; undefined: json(). */
  readonly value: Serde<unknown> | undefined;
  /** Of the current key, while it is a source's; undefined: text. */
  readonly key: Serde<unknown> | undefined;
  /** The source's claim, while the values are the source's. */
  readonly partitionedBy: Selector | undefined;
}

/**
 * Every kind of stream: adds nodes to the graph of its job. The interfaces in `stream.ts` say at compile time what is
 * allowed where; the checks here say it again at definition time, for jobs written in JavaScript.
 */
export class StreamBuilder {
  private readonly job: JobBuilder;
  private readonly node: number;
  private readonly traits: StreamTraits;

  constructor(job: JobBuilder, node: number, traits: StreamTraits) {
    this.job = job;
    this.node = node;
    this.traits = traits;
  }

  map(fn: MapNode['fn']): StreamBuilder {
    return this.next('map()', { kind: 'map', inputs: [this.node], fn: this.fn('map()', fn) }, NEW_VALUES);
  }

  filter(fn: FilterNode['fn']): StreamBuilder {
    return this.next('filter()', { kind: 'filter', inputs: [this.node], fn: this.fn('filter()', fn) });
  }

  flatMap(fn: FlatMapNode['fn']): StreamBuilder {
    return this.next(
      'flatMap()',
      { kind: 'flat-map', inputs: [this.node], fn: this.fn('flatMap()', fn) },
      NEW_VALUES,
    );
  }

  peek(fn: PeekNode['fn']): StreamBuilder {
    return this.next('peek()', { kind: 'peek', inputs: [this.node], fn: this.fn('peek()', fn) });
  }

  branch(
    branches: Readonly<Record<string, BranchPredicate<never>>>,
  ): Readonly<Record<string, StreamBuilder>> {
    const predicates = splitPredicates(branches, this.where());
    const split = this.next('branch()', { kind: 'split', inputs: [this.node], predicates });
    const outlets = Object.keys(branches).map((name, index): [string, StreamBuilder] => [
      name,
      split.next('branch()', { kind: 'branch', inputs: [split.node], name, index }),
    ]);
    return Object.freeze(Object.fromEntries(outlets));
  }

  merge(...others: readonly unknown[]): StreamBuilder {
    const all = [this, ...others.map((other) => this.sibling(other))];
    if (all.length === 1)
      throw badDefinition('merge() was given no stream', 'pass the streams to merge', this.where());
    const node: NewNode = { kind: 'merge', inputs: all.map((stream) => stream.node) };
    return this.next('merge()', node, mergedTraits(all.map((stream) => stream.traits)));
  }

  keyBy(selector?: Selector, options: KeyByOptions<never> = {}): StreamBuilder {
    const { partitionedBy } = this.traits;
    const key = selector ?? partitionedBy;
    if (key === undefined) {
      throw badDefinition(
        'keyBy() needs a function',
        'only a stream of a source with partitionedBy goes without',
        this.where(),
      );
    }
    const inPlace = key === partitionedBy;
    const name =
      inPlace && options.name === undefined
        ? this.sourceTopic()
        : checkName('keyBy()', options.name, this.where());
    const value = this.valueSerde('keyBy()', options.value);
    return this.next(
      'keyBy()',
      { kind: 'key-by', inputs: [this.node], name, key: this.fn('keyBy()', key), value, inPlace },
      inPlace
        ? { grouping: 'in-place' }
        : { grouping: 'shuffled', value, key: undefined, partitionedBy: undefined },
    );
  }

  to(topic: string, options: SinkOptions<never, never> = {}): void {
    checkTopic('to()', topic, this.where());
    const key = checkSerde(
      'to()',
      (options.key as Serde<unknown> | undefined) ?? this.traits.key ?? sinkKey,
      this.where(),
    );
    const value = this.valueSerde('to()', options.value);
    this.job.add('to()', { kind: 'sink', inputs: [this.node], topic, key, value });
  }

  count(options: StateName): StreamBuilder {
    return this.stateful('count()', countNode(this.node, options, this.where()));
  }

  reduce(
    fn: (accumulated: never, value: never, ctx: never) => unknown,
    options: StateName & { value?: Serde<never> },
  ): StreamBuilder {
    const value = this.valueSerde('reduce()', options?.value);
    return this.stateful(
      'reduce()',
      reduceNode(this.node, this.fn('reduce()', fn), options, value, this.where()),
    );
  }

  aggregate(options: AggregateOptions<never, unknown, unknown>): StreamBuilder {
    return this.stateful('aggregate()', aggregateNode(this.node, options, this.where()));
  }

  process(
    options: ProcessOptions<StateSpecs, unknown>,
    fn: (value: never, ctx: never) => void,
  ): StreamBuilder {
    return this.stateful(
      'process()',
      processNode(this.node, options, this.fn('process()', fn), this.where()),
    );
  }

  private stateful(call: string, { node, emits }: StatefulNode): StreamBuilder {
    const { grouping } = this.traits;
    if (grouping === 'none')
      throw badDefinition(`${call} needs a keyBy() before it`, 'state is kept by key', this.where());
    if (grouping === 'mixed') {
      const why = `${call} follows a merge() of a stream keyed in place and one keyed by a shuffle`;
      throw badDefinition(
        why,
        'the same key may be in two tasks: keyBy() once more behind merge()',
        this.where(),
      );
    }
    return this.next(call, node, { ...NEW_VALUES, value: emits });
  }

  private next(call: string, node: NewNode, changed: Partial<StreamTraits> = {}): StreamBuilder {
    return new StreamBuilder(this.job, this.job.add(call, node), { ...this.traits, ...changed });
  }

  private fn<F>(call: string, fn: F): F {
    return checkFunction(call, fn, this.where());
  }

  private valueSerde(call: string, given: Serde<never> | undefined): Serde<unknown> {
    return checkSerde(
      call,
      (given as Serde<unknown> | undefined) ?? this.traits.value ?? json(),
      this.where(),
    );
  }

  private sibling(other: unknown): StreamBuilder {
    if (other instanceof StreamBuilder && other.job === this.job) return other;
    throw badDefinition(
      'merge() was given something that is no stream of this job',
      'pass streams of the same env',
      this.where(),
    );
  }

  private sourceTopic(): string {
    return this.job.firstSource(this.node).topic;
  }

  private where(): string {
    return this.job.path(this.node);
  }
}

/** Values that a function made: no serde and no claim of the source holds for them. */
const NEW_VALUES = { value: undefined, partitionedBy: undefined } as const;

function mergedTraits(all: readonly StreamTraits[]): StreamTraits {
  return {
    grouping: mergedGrouping(new Set(all.map((traits) => traits.grouping))),
    value: common(all.map((traits) => traits.value)),
    key: common(all.map((traits) => traits.key)),
    partitionedBy: undefined,
  };
}

function mergedGrouping(groupings: ReadonlySet<Grouping>): Grouping {
  if (groupings.has('none')) return 'none';
  const [only] = groupings;
  return groupings.size === 1 && only !== undefined ? only : 'mixed';
}

function common<V>(values: readonly V[]): V | undefined {
  return values.every((value) => value === values[0]) ? values[0] : undefined;
}
