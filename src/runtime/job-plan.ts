import { changelogTopic, shuffleTopic } from '../topology/internal-topics';
import type { Stage, StageInput, Topology } from '../topology/stage';
import { must } from '../util/asserts';

/** One stage on one partition: the unit of ownership, state and recovery. */
export interface TaskId {
  readonly stage: string;
  readonly partition: number;
}

export function taskName(task: TaskId): string {
  return `${task.stage}/${task.partition}`;
}

/** One input of a planned stage: a topic, and how the operators know it. */
export interface PlannedInput {
  readonly topic: string;
  /** Key of the input in the compiled stage: the topic, or `shuffle:<name>`. */
  readonly handlerKey: string;
  readonly input: StageInput;
}

export interface PlannedStage {
  readonly stage: Stage;
  /** Number of tasks. */
  readonly partitions: number;
  readonly changelog: string;
  readonly inputs: readonly PlannedInput[];
}

/** A topology placed on topics: what every instance of a job agrees on within an incarnation. */
export interface JobPlan {
  readonly incarnation: number;
  readonly maxParallelism: number;
  /** Partitions of shuffle topics. */
  readonly parallelism: number;
  readonly stages: readonly PlannedStage[];
  /** Shuffle name → topic. */
  readonly shuffles: ReadonlyMap<string, string>;
  /** Number of partitions of every source topic. */
  readonly sources: ReadonlyMap<string, number>;
}

export interface PlanFacts {
  readonly prefix: string;
  readonly incarnation: number;
  readonly parallelism: number | null;
  readonly maxParallelism: number;
  readonly sourcePartitions: ReadonlyMap<string, number>;
}

/** Places a topology on topics. Pure: the same facts give the same plan on every instance. */
export function planJob(topology: Topology, facts: PlanFacts): JobPlan {
  const parallelism = Math.min(
    facts.maxParallelism,
    facts.parallelism ?? Math.max(1, ...facts.sourcePartitions.values()),
  );
  const shuffles = new Map<string, string>();
  for (const stage of topology.stages) {
    for (const shuffle of stage.shuffles) {
      shuffles.set(shuffle.name, shuffleTopic(facts.prefix, shuffle.name, facts.incarnation));
    }
  }
  const stages = topology.stages.map((stage): PlannedStage => {
    const inputs = stage.inputs.map((input) => planInput(input, shuffles));
    const widths = stage.inputs.map((input) =>
      input.kind === 'source'
        ? must(facts.sourcePartitions.get(input.node.topic), `partition count of ${input.node.topic}`)
        : parallelism,
    );
    return {
      stage,
      partitions: Math.max(...widths),
      changelog: changelogTopic(facts.prefix, stage.name, facts.incarnation),
      inputs,
    };
  });
  return {
    incarnation: facts.incarnation,
    maxParallelism: facts.maxParallelism,
    parallelism,
    stages,
    shuffles,
    sources: facts.sourcePartitions,
  };
}

function planInput(input: StageInput, shuffles: ReadonlyMap<string, string>): PlannedInput {
  if (input.kind === 'source') return { topic: input.node.topic, handlerKey: input.node.topic, input };
  const topic = must(shuffles.get(input.node.name), `topic of shuffle ${input.node.name}`);
  return { topic, handlerKey: `shuffle:${input.node.name}`, input };
}

/** Every task of the job, stage by stage. */
export function allTasks(plan: JobPlan): TaskId[] {
  return plan.stages.flatMap(({ stage, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ stage: stage.name, partition })),
  );
}

/** How many partitions an input of a task's stage has: a merged source may be narrower than its stage. */
export function inputPartitions(plan: JobPlan, input: PlannedInput): number {
  return input.input.kind === 'source'
    ? must(plan.sources.get(input.topic), 'source partitions')
    : plan.parallelism;
}
