import type { NewTopic, TopicPartition, TopicResult } from '../port';
import type { KafkaApi, Throttled } from './api';
import { readPartitions, writePartitions } from './topic-partitions';
import type { WireReader } from './wire-reader';

export interface TopicResults extends Throttled {
  readonly results: readonly TopicResult[];
}

export interface CreateTopicsRequest {
  readonly topics: readonly NewTopic[];
  /** How long the broker waits for the topics to be there. */
  readonly timeoutMs: number;
  readonly validateOnly: boolean;
}

export const CREATE_TOPICS: KafkaApi<CreateTopicsRequest, TopicResults> = {
  name: 'CreateTopics',
  key: 19,
  minVersion: 5,
  maxVersion: 7,
  flexibleFrom: 5,

  encode(out, { topics, timeoutMs, validateOnly }) {
    out.array(topics, (topic) => {
      out.string(topic.topic).i32(topic.partitions).i16(topic.replicationFactor);
      out.array([], () => undefined); // replicas are placed by the broker
      out.array(Object.entries(topic.configs), ([name, value]) =>
        out.string(name).nullableString(value).end(),
      );
      out.end();
    });
    out.i32(timeoutMs).bool(validateOnly).end();
  },

  decode(input, version) {
    const throttleMs = input.i32();
    const results = input.array(() => readCreated(input, version));
    input.end();
    return { throttleMs, results };
  },
};

function readCreated(input: WireReader, version: number): TopicResult {
  const topic = input.string();
  if (version >= 7) input.uuid();
  const errorCode = input.i16();
  const errorMessage = input.nullableString();
  input.i32(); // partitions
  input.i16(); // replication factor
  input.nullableArray(() => {
    input.string();
    input.nullableString();
    input.bool(); // read-only
    input.i8(); // source
    input.bool(); // sensitive
    input.end();
  });
  input.end();
  return { topic, errorCode, errorMessage };
}

export interface DeleteTopicsRequest {
  readonly topics: readonly string[];
  readonly timeoutMs: number;
}

/** By name: version 6 would ask by topic id. */
export const DELETE_TOPICS: KafkaApi<DeleteTopicsRequest, TopicResults> = {
  name: 'DeleteTopics',
  key: 20,
  minVersion: 4,
  maxVersion: 5,
  flexibleFrom: 4,

  encode(out, { topics, timeoutMs }) {
    out
      .array(topics, (topic) => out.string(topic))
      .i32(timeoutMs)
      .end();
  },

  decode(input, version) {
    const throttleMs = input.i32();
    const results = input.array(() => {
      const topic = input.string();
      const errorCode = input.i16();
      const errorMessage = version >= 5 ? input.nullableString() : null;
      input.end();
      return { topic, errorCode, errorMessage };
    });
    input.end();
    return { throttleMs, results };
  },
};

export interface DeleteRecordsRequest {
  /** Everything below `offset` goes; -1 is the high watermark. */
  readonly offsets: readonly (TopicPartition & { readonly offset: bigint })[];
  readonly timeoutMs: number;
}

export interface DeleteRecordsResponse extends Throttled {
  readonly results: readonly (TopicPartition & { readonly errorCode: number })[];
}

export const DELETE_RECORDS: KafkaApi<DeleteRecordsRequest, DeleteRecordsResponse> = {
  name: 'DeleteRecords',
  key: 21,
  minVersion: 2,
  maxVersion: 2,
  flexibleFrom: 2,

  encode(out, { offsets, timeoutMs }) {
    writePartitions(out, offsets, ({ offset }) => out.i64(offset));
    out.i32(timeoutMs).end();
  },

  decode(input) {
    const throttleMs = input.i32();
    const results = readPartitions(input, (topic, partition) => {
      input.i64(); // low watermark
      return { topic, partition, errorCode: input.i16() };
    });
    input.end();
    return { throttleMs, results };
  },
};
