import { compileStage } from '../operators/compile';
import type { ShuffleWriter, SinkWriter, TaskEnvironment } from '../operators/operator';
import type { OutputBuffers } from '../sink/output-buffers';
import type { LocalStore } from '../state/local-store';
import type { KeyValueStore, StoreSpec } from '../state/store';
import { TaskState } from '../state/task-state';
import type { KeyByNode, SinkNode, SourceNode } from '../topology/graph';
import { must } from '../util/asserts';
import type { ExecutorContext } from './executor-context';
import { inputPartitions, type PlannedStage, type TaskId } from './job-plan';
import { envelopeSerde } from './shuffle-envelope';
import { Task, type ChangelogIdentity, type TaskInput } from './task';
import { TaskContext } from './task-context';
import type { TimestampBounds } from './timestamp-bounds';
import { KafkaShuffleWriter, KafkaSinkWriter } from './writers';

export interface TaskBuilderOptions {
  readonly context: ExecutorContext;
  readonly output: OutputBuffers;
  readonly bounds: TimestampBounds;
  /** Object-cache entries for each task. */
  readonly cacheEntries: number;
}

export function plannedStageOf(context: ExecutorContext, id: TaskId): PlannedStage {
  return must(
    context.plan.stages.find((planned) => planned.stage.name === id.stage),
    `stage ${id.stage}`,
  );
}

export function changelogIdentity(context: ExecutorContext, planned: PlannedStage): ChangelogIdentity {
  return { clusterId: context.topics.clusterId, topicId: context.topics.of(planned.changelog).topicId };
}

/** Builds a task around its recovered local store: operator chain, writers, inputs. Positions are set afterwards. */
export function buildTask(id: TaskId, local: LocalStore, options: TaskBuilderOptions): Task {
  const { context, output } = options;
  const planned = plannedStageOf(context, id);
  const state = new TaskState(local, planned.stage.stores, context.plan.maxParallelism, options.cacheEntries);
  const environment = new RuntimeEnvironment(id, planned, state, options);
  const compiled = compileStage(planned.stage, environment);
  const inputs = planned.inputs
    .filter((input) => id.partition < inputPartitions(context.plan, input))
    .map((input): TaskInput => ({
      topic: input.topic,
      partition: id.partition,
      handler: must(compiled.inputs.get(input.handlerKey), `handler of ${input.handlerKey}`),
      shuffle: input.input.kind === 'shuffle',
      source: input.input.kind === 'source' ? input.input.node : null,
      position: -1,
      committed: -1,
      stopAt: null,
    }));
  return new Task({
    id,
    planned,
    incarnation: context.plan.incarnation,
    inputs,
    context: new TaskContext(),
    state,
    changelog: output.builder(planned.changelog, id.partition),
    identity: changelogIdentity(context, planned),
  });
}

/** The only door between operators and the runtime. */
class RuntimeEnvironment implements TaskEnvironment {
  readonly stage: string;
  readonly partition: number;
  private readonly planned: PlannedStage;
  private readonly state: TaskState;
  private readonly options: TaskBuilderOptions;

  constructor(id: TaskId, planned: PlannedStage, state: TaskState, options: TaskBuilderOptions) {
    this.stage = id.stage;
    this.partition = id.partition;
    this.planned = planned;
    this.state = state;
    this.options = options;
  }

  store(spec: StoreSpec): KeyValueStore<unknown> {
    return this.state.store(spec.name);
  }

  sink(node: SinkNode): SinkWriter {
    const { context, output, bounds } = this.options;
    return new KafkaSinkWriter(output, node, context.topics.of(node.topic).partitions, bounds.of(node.topic));
  }

  shuffle(node: KeyByNode): ShuffleWriter {
    const { context, output } = this.options;
    const { plan } = context;
    const topic = must(plan.shuffles.get(node.name), `topic of shuffle ${node.name}`);
    const value = envelopeSerde(node.value, this.planned.stage.index, this.partition);
    return new KafkaShuffleWriter(output, topic, value, plan.parallelism, plan.maxParallelism);
  }

  sourcePartitions(node: SourceNode): number {
    return must(this.options.context.plan.sources.get(node.topic), `partitions of ${node.topic}`);
  }
}
