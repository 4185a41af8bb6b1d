import {
  type ClusterMetadata,
  type ConfigResource,
  type ConfigResult,
  type NewTopic,
  type PartitionError,
  type TopicMetadata,
  type TopicPartition,
  type TopicResult,
} from '../port';
import { KafkaError } from '../protocol/errors';
import type { ClusterState, SimTopic } from './cluster-state';
import { configProblem } from './topic-config';

const LEGAL_NAME = /^[a-zA-Z0-9._-]{1,249}$/;
const NO_ID = Buffer.alloc(16).toString('base64url');
const PORT_BASE = 9_091;

/** Metadata, CreateTopics, DeleteTopics, DeleteRecords, DescribeConfigs. */
export class TopicRequests {
  private readonly state: ClusterState;

  constructor(state: ClusterState) {
    this.state = state;
  }

  metadata(topics: readonly string[] | null): ClusterMetadata {
    const { state } = this;
    const registered = [...state.nodes.values()].filter((node) => node.registered);
    const names = topics ?? [...state.topics.keys()].filter((name) => state.topic(name) !== undefined);
    return {
      clusterId: state.clusterId,
      controllerId: state.controller(),
      brokers: registered.map(({ id }) => ({ nodeId: id, host: 'sim', port: PORT_BASE + id })),
      topics: names.map((name) => this.describe(name)),
    };
  }

  create(topics: readonly NewTopic[], validateOnly: boolean): TopicResult[] {
    const counts = new Map<string, number>();
    for (const { topic } of topics) counts.set(topic, (counts.get(topic) ?? 0) + 1);
    return topics.map((wanted) => {
      const problem = (counts.get(wanted.topic) ?? 0) > 1 ? duplicate() : this.problemOf(wanted);
      if (problem === null && !validateOnly) this.add(wanted);
      return {
        topic: wanted.topic,
        errorCode: problem?.errorCode ?? 0,
        errorMessage: problem?.message ?? null,
      };
    });
  }

  delete(topics: readonly string[]): TopicResult[] {
    return topics.map((name) => {
      const topic = this.state.topic(name);
      const errorCode = topic === undefined ? KafkaError.UNKNOWN_TOPIC_OR_PARTITION : 0;
      for (const partition of topic?.partitions ?? []) partition.delete();
      if (topic !== undefined) this.state.topics.delete(name);
      return {
        topic: name,
        errorCode,
        errorMessage: topic === undefined ? 'This server does not host it' : null,
      };
    });
  }

  deleteRecords(nodeId: number, offsets: readonly (TopicPartition & { offset: bigint })[]): PartitionError[] {
    return offsets.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      errorCode: this.deleteBelow(nodeId, { topic, partition }, Number(offset)),
    }));
  }

  describeConfigs(nodeId: number, resources: readonly ConfigResource[]): ConfigResult[] {
    return resources.map(({ type, name }) => {
      const configs: ReadonlyMap<string, string | null> | undefined =
        type === 'topic' ? this.state.topic(name)?.config.entries : this.brokerConfigs(nodeId, name);
      const missing = type === 'topic' ? KafkaError.UNKNOWN_TOPIC_OR_PARTITION : KafkaError.INVALID_REQUEST;
      return { type, name, errorCode: configs === undefined ? missing : 0, configs: configs ?? new Map() };
    });
  }

  private brokerConfigs(nodeId: number, name: string): ReadonlyMap<string, string> | undefined {
    return name === String(nodeId) ? new Map([['node.id', name], ...this.state.config]) : undefined;
  }

  private deleteBelow(nodeId: number, { topic, partition }: TopicPartition, offset: number): number {
    const found = this.state.partition(topic, partition);
    if (found === undefined) return KafkaError.UNKNOWN_TOPIC_OR_PARTITION;
    if (!found.isLedBy(nodeId)) return KafkaError.NOT_LEADER_OR_FOLLOWER;
    if (!found.config.deletesOld) return KafkaError.POLICY_VIOLATION;
    const target = offset === -1 ? found.highWatermark : offset;
    if (target < 0 || target > found.highWatermark) return KafkaError.OFFSET_OUT_OF_RANGE;
    found.deleteBelow(target);
    return 0;
  }

  private describe(name: string): TopicMetadata {
    const topic = this.state.topic(name);
    if (topic === undefined) {
      const errorCode = LEGAL_NAME.test(name)
        ? KafkaError.UNKNOWN_TOPIC_OR_PARTITION
        : KafkaError.INVALID_TOPIC_EXCEPTION;
      return { topic: name, topicId: NO_ID, errorCode, isInternal: false, partitions: [] };
    }
    return {
      ...{ topic: name, topicId: topic.id, errorCode: 0, isInternal: topic.internal },
      partitions: describePartitions(topic),
    };
  }

  private add({ topic, partitions, replicationFactor, configs }: NewTopic): void {
    const { state } = this;
    const count = partitions === -1 ? state.setting('num.partitions') : partitions;
    const replicas =
      replicationFactor === -1 ? state.setting('default.replication.factor') : replicationFactor;
    state.addTopic(topic, count, replicas, configs);
  }

  private problemOf({ topic, partitions, replicationFactor, configs }: NewTopic): Problem | null {
    const { state } = this;
    if (!LEGAL_NAME.test(topic) || topic === '.' || topic === '..')
      return { errorCode: KafkaError.INVALID_TOPIC_EXCEPTION, message: `Topic name '${topic}' is illegal` };
    if (state.topics.has(topic))
      return { errorCode: KafkaError.TOPIC_ALREADY_EXISTS, message: `Topic '${topic}' already exists.` };
    if (partitions < 1 && partitions !== -1)
      return {
        errorCode: KafkaError.INVALID_PARTITIONS,
        message: 'Number of partitions must be larger than 0.',
      };
    const replicas =
      replicationFactor === -1 ? state.setting('default.replication.factor') : replicationFactor;
    // A broker that is down at present is a place for a replica all the same.
    if (replicas < 1 || replicas > state.nodes.size)
      return {
        errorCode: KafkaError.INVALID_REPLICATION_FACTOR,
        message: `Unable to replicate the partition ${replicas} time(s)`,
      };
    const problem = configProblem(configs);
    return problem === null ? null : { errorCode: KafkaError.INVALID_CONFIG, message: problem };
  }
}

interface Problem {
  readonly errorCode: number;
  readonly message: string;
}

function duplicate(): Problem {
  return { errorCode: KafkaError.INVALID_REQUEST, message: 'Duplicate topic name.' };
}

function describePartitions(topic: SimTopic): TopicMetadata['partitions'] {
  return topic.partitions.map(({ partition, leader, leaderEpoch, replicas, isr }) => ({
    ...{ partition, leader, leaderEpoch, replicas, isr },
    errorCode: leader < 0 ? KafkaError.LEADER_NOT_AVAILABLE : 0,
  }));
}
