/** Answers that say nothing but an error code, as a broker words them for each API. Code 0: as if nothing was known. */
import type {
  ConfigResource,
  ConfigResult,
  FetchRequest,
  FetchResponse,
  GroupDescription,
  InitProducerIdResponse,
  JoinGroupResponse,
  OffsetAnswer,
  OffsetQuery,
  PartitionError,
  ProduceRequest,
  ProduceResponse,
  SyncGroupResponse,
  TopicPartition,
  TopicResult,
} from '../port';
import { notJoined, notSynced } from './group-state';

type Refusal<A> = (errorCode: number) => A;

export const ofErrorCode: Refusal<{ errorCode: number }> = (errorCode) => ({ errorCode });

export const ofInitProducerId: Refusal<InitProducerIdResponse> = (errorCode) => ({
  errorCode,
  producerId: -1n,
  producerEpoch: -1,
});

export const ofOffsetFetch: Refusal<{ errorCode: number; offsets: [] }> = (errorCode) => ({
  errorCode,
  offsets: [],
});

export const ofJoinGroup: Refusal<JoinGroupResponse> = (errorCode) => notJoined(errorCode, '');
export const ofSyncGroup: Refusal<SyncGroupResponse> = notSynced;

export function ofDescribeGroup(groupId: string): Refusal<GroupDescription> {
  return (errorCode) => ({ groupId, errorCode, state: '', members: [] });
}

export function ofTopics(topics: readonly string[]): Refusal<TopicResult[]> {
  return (errorCode) => topics.map((topic) => ({ topic, errorCode, errorMessage: null }));
}

export function ofPartitions(partitions: readonly TopicPartition[]): Refusal<PartitionError[]> {
  return (errorCode) => partitions.map(({ topic, partition }) => ({ topic, partition, errorCode }));
}

export function ofConfigs(resources: readonly ConfigResource[]): Refusal<ConfigResult[]> {
  return (errorCode) => resources.map(({ type, name }) => ({ type, name, errorCode, configs: new Map() }));
}

export function ofQueries(queries: readonly OffsetQuery[]): Refusal<OffsetAnswer[]> {
  const nothing = { offset: -1n, timestamp: -1n, leaderEpoch: -1 };
  return (errorCode) => queries.map(({ topic, partition }) => ({ topic, partition, errorCode, ...nothing }));
}

export function ofFetch({ partitions }: FetchRequest): Refusal<FetchResponse> {
  const offsets = { highWatermark: -1n, lastStableOffset: -1n, logStartOffset: -1n };
  const nothing = { ...offsets, abortedTransactions: null, records: null };
  return (errorCode) => ({
    throttleMs: 0,
    errorCode: 0,
    partitions: partitions.map(({ topic, partition }) => ({ topic, partition, errorCode, ...nothing })),
  });
}

export function ofProduce({ partitions }: ProduceRequest): Refusal<ProduceResponse> {
  const nothing = { baseOffset: -1n, logAppendTime: -1n, logStartOffset: -1n };
  return (errorCode) => ({
    throttleMs: 0,
    partitions: partitions.map(({ topic, partition }) => ({ topic, partition, errorCode, ...nothing })),
  });
}
