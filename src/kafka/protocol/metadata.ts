import type { ClusterMetadata, PartitionMetadata, TopicMetadata } from '../port';
import type { KafkaApi, Throttled } from './api';
import type { WireReader } from './wire-reader';

export interface MetadataRequest {
  /** Null: all topics; empty: brokers only. */
  readonly topics: readonly string[] | null;
}

/** Metadata v12: never creates a topic, asks by name. */
export const METADATA: KafkaApi<MetadataRequest, ClusterMetadata & Throttled> = {
  name: 'Metadata',
  key: 3,
  minVersion: 12,
  maxVersion: 12,
  flexibleFrom: 9,

  encode(out, { topics }) {
    out.nullableArray(topics, (topic) => out.zeroUuid().nullableString(topic).end());
    out.bool(false).bool(false).end(); // no automatic creation, no authorised operations
  },

  decode(input) {
    const throttleMs = input.i32();
    const brokers = input.array(() => {
      const broker = { nodeId: input.i32(), host: input.string(), port: input.i32() };
      input.nullableString(); // rack
      input.end();
      return broker;
    });
    const clusterId = input.nullableString() ?? '';
    const controllerId = input.i32();
    const topics = input.array(() => readTopic(input));
    input.end();
    return { throttleMs, brokers, clusterId, controllerId, topics };
  },
};

function readTopic(input: WireReader): TopicMetadata {
  const errorCode = input.i16();
  const topic = input.nullableString() ?? '';
  const topicId = input.uuid();
  const isInternal = input.bool();
  const partitions = input.array(() => readPartition(input));
  input.i32(); // authorised operations
  input.end();
  return { topic, topicId, errorCode, isInternal, partitions };
}

function readPartition(input: WireReader): PartitionMetadata {
  const errorCode = input.i16();
  const partition = input.i32();
  const leader = input.i32();
  const leaderEpoch = input.i32();
  const replicas = input.i32Array();
  const isr = input.i32Array();
  input.i32Array(); // offline replicas
  input.end();
  return { partition, errorCode, leader, leaderEpoch, replicas, isr };
}
