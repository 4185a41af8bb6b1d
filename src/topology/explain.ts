import type { BadInputPolicy, GraphNode, StartFrom } from './graph';
import { changelogTopic, controlTopic, shuffleTopic } from './internal-topics';
import { labelOf } from './labels';
import type { Stage, StageInput, Topology } from './stage';

export interface ExplainOptions {
  readonly applicationId: string;
  /** `kafka.internal-topics.prefix`; default: the application id. */
  readonly prefix?: string;
  /** Of the internal topics; default: 1. */
  readonly incarnation?: number;
  /** Tasks (= partitions) by stage name, when they are known. */
  readonly tasks?: Readonly<Record<string, number>>;
}

export interface ExplainedInput {
  readonly kind: 'source' | 'shuffle';
  readonly topic: string;
  readonly startFrom?: StartFrom;
  readonly badInput?: BadInputPolicy;
  /** Of a shuffle: the stage that writes it. */
  readonly upstream?: string;
}

export interface ExplainedOperator {
  readonly id: number;
  readonly label: string;
  /** Ids of the operators it takes records from; empty for a source. */
  readonly inputs: readonly number[];
}

export interface ExplainedStage {
  readonly name: string;
  readonly tasks?: number;
  readonly inputs: readonly ExplainedInput[];
  /** In the order of their making. */
  readonly operators: readonly ExplainedOperator[];
  /** State names with their value serdes. */
  readonly state: readonly { readonly name: string; readonly serde: string }[];
  readonly changelog: string;
  /** Shuffle topics that it writes. */
  readonly shuffles: readonly string[];
  /** Sink topics. */
  readonly outputs: readonly string[];
}

/** What `tidemark explain --json` prints. */
export interface Explanation {
  readonly applicationId: string;
  readonly fingerprint: string;
  readonly incarnation: number;
  readonly stages: readonly ExplainedStage[];
  /** All internal topics, the control topic first. */
  readonly internalTopics: readonly string[];
}

interface Naming {
  changelog(stage: Stage): string;
  shuffle(name: string): string;
}

/** What a topology will be on Kafka: stages, inputs, internal topics, state. @throws {TidemarkError} TM1004 when a name is too long */
export function explainTopology(topology: Topology, options: ExplainOptions): Explanation {
  const { applicationId, prefix = applicationId, incarnation = 1, tasks = {} } = options;
  const naming: Naming = {
    changelog: (stage) => changelogTopic(prefix, stage.name, incarnation),
    shuffle: (name) => shuffleTopic(prefix, name, incarnation),
  };
  const stages = topology.stages.map((stage) => explainStage(stage, naming, tasks[stage.name]));
  const internalTopics = [
    controlTopic(prefix),
    ...stages.map((stage) => stage.changelog),
    ...stages.flatMap((stage) => stage.shuffles),
  ];
  return { applicationId, fingerprint: topology.fingerprint, incarnation, stages, internalTopics };
}

function explainStage(stage: Stage, naming: Naming, tasks: number | undefined): ExplainedStage {
  return {
    name: stage.name,
    ...(tasks === undefined ? {} : { tasks }),
    inputs: stage.inputs.map((input) => explainInput(input, naming)),
    operators: stage.nodes.map(explainOperator),
    state: stage.stores.map((store) => ({ name: store.name, serde: store.value.name })),
    changelog: naming.changelog(stage),
    shuffles: stage.shuffles.map((node) => naming.shuffle(node.name)),
    outputs: [...new Set(stage.sinks.map((node) => node.topic))],
  };
}

function explainInput(input: StageInput, naming: Naming): ExplainedInput {
  if (input.kind === 'shuffle') {
    return { kind: 'shuffle', topic: naming.shuffle(input.node.name), upstream: input.upstream };
  }
  const { topic, startFrom, badInput } = input.node;
  return { kind: 'source', topic, startFrom, ...(badInput === undefined ? {} : { badInput }) };
}

function explainOperator(node: GraphNode): ExplainedOperator {
  return { id: node.id, label: labelOf(node), inputs: node.inputs };
}
