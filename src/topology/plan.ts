import { must } from '../util/asserts';
import { DisjointSets } from './disjoint-sets';
import { fingerprintOf } from './fingerprint';
import { isShuffle, type GraphNode, type KeyByNode, type LogicalGraph } from './graph';
import { badDefinition } from './names';
import type { Stage, StageInput, Topology } from './stage';
import { inTopologicalOrder } from './stage-order';
import { validateGraph } from './validate';

/**
 * Cuts a graph into stages at its shuffling keyBys: nodes that hand records to each other directly share a stage, so
 * a merge joins the stages of its inputs. Pure and deterministic.
 *
 * @throws {TidemarkError} TM1004 for what {@link validateGraph} refuses, for two stages of one name, and for a stage
 *   that would feed itself
 */
export function planTopology(graph: LogicalGraph, jobName: string): Topology {
  validateGraph(graph, jobName);
  const drafts = draftStages(graph.nodes);
  refuseSameNames(drafts);
  const stages = inTopologicalOrder(drafts).map((draft, index) => freezeStage(draft, index));
  return Object.freeze({ stages: Object.freeze(stages), fingerprint: fingerprintOf(stages) });
}

type StageDraft = Omit<Stage, 'index'>;

function draftStages(nodes: readonly GraphNode[]): readonly StageDraft[] {
  const stageOf = stageMembership(nodes);
  const members = new Map<number, GraphNode[]>();
  for (const node of nodes) {
    const stage = stageOf.written(node);
    const list = members.get(stage);
    if (list === undefined) members.set(stage, [node]);
    else list.push(node);
  }
  const shuffles = nodes.filter(isShuffle);
  const names = new Map<number, string>();
  for (const [stage, own] of members)
    names.set(
      stage,
      stageName(
        own,
        shuffles.filter((node) => stageOf.read(node) === stage),
      ),
    );
  return [...members].map(([stage, own]) =>
    draftStage(must(names.get(stage), 'stage name'), own, [
      ...own.filter((node) => node.kind === 'source').map((node): StageInput => ({ kind: 'source', node })),
      ...shuffles
        .filter((node) => stageOf.read(node) === stage)
        .map((node): StageInput => ({
          kind: 'shuffle',
          node,
          upstream: must(names.get(stageOf.written(node)), 'upstream'),
        })),
    ]),
  );
}

/** Which stage a node runs in, and which stage reads what a shuffle wrote. */
function stageMembership(nodes: readonly GraphNode[]): {
  written(node: GraphNode): number;
  read(shuffle: KeyByNode): number;
} {
  // The second half stands for the reading ends of shuffles: all consumers of one shuffle share a stage.
  const sets = new DisjointSets(nodes.length * 2);
  const readEnd = (node: GraphNode): number => (isShuffle(node) ? nodes.length + node.id : node.id);
  for (const node of nodes) {
    for (const input of node.inputs) sets.union(node.id, readEnd(must(nodes[input], 'input')));
  }
  return { written: (node) => sets.find(node.id), read: (shuffle) => sets.find(readEnd(shuffle)) };
}

/** The user's name for the stage: the first keyBy that feeds it, else its first source topic. */
function stageName(own: readonly GraphNode[], feeding: readonly KeyByNode[]): string {
  const shuffle = feeding[0];
  if (shuffle !== undefined) return shuffle.name;
  return must(
    own.find((node) => node.kind === 'source'),
    'a stage has an input',
  ).topic;
}

function draftStage(name: string, nodes: readonly GraphNode[], inputs: readonly StageInput[]): StageDraft {
  return {
    name,
    nodes,
    inputs,
    sinks: nodes.filter((node) => node.kind === 'sink'),
    shuffles: nodes.filter(isShuffle),
    stores: nodes.flatMap((node) =>
      node.kind === 'aggregate' ? [node.store] : node.kind === 'process' ? node.stores : [],
    ),
  };
}

function refuseSameNames(stages: readonly StageDraft[]): void {
  const names = new Set<string>();
  for (const { name } of stages) {
    if (names.has(name))
      throw badDefinition(
        `two stages would be called '${name}'`,
        `no keyBy may be named like a source topic: rename keyBy '${name}'`,
      );
    names.add(name);
  }
}

function freezeStage(draft: StageDraft, index: number): Stage {
  const { name } = draft;
  const [nodes, inputs, sinks] = [
    Object.freeze([...draft.nodes]),
    Object.freeze([...draft.inputs]),
    Object.freeze([...draft.sinks]),
  ];
  const [shuffles, stores] = [Object.freeze([...draft.shuffles]), Object.freeze([...draft.stores])];
  return Object.freeze({ name, index, nodes, inputs, sinks, shuffles, stores });
}
