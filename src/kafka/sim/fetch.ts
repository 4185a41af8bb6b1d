import type { Cancel } from '../../util/ports';
import {
  tpKey,
  type FetchedPartition,
  type FetchPartition,
  type FetchRequest,
  type FetchResponse,
} from '../port';
import { KafkaError } from '../protocol/errors';
import type { ClusterState } from './cluster-state';
import type { Partition } from './partition';

/** Fetch with its long poll: it ends with enough bytes, an error, a leader that moved, or its time. */
export function fetch(state: ClusterState, nodeId: number, request: FetchRequest): Promise<FetchResponse> {
  const first = readAll(state, nodeId, request);
  if (request.maxWaitMs <= 0 || isEnough(first, request)) return Promise.resolve(first);
  return new Promise((resolve) => {
    const watched = partitionsOf(state, request);
    const stops: Cancel[] = [];
    const end = (answer: FetchResponse): void => {
      for (const stop of stops) stop();
      resolve(answer);
    };
    const look = (): void => {
      const answer = readAll(state, nodeId, request);
      if (isEnough(answer, request)) end(answer);
    };
    for (const partition of watched) stops.push(partition.watch(look));
    stops.push(state.platform.after(request.maxWaitMs, () => end(readAll(state, nodeId, request))));
  });
}

function partitionsOf(state: ClusterState, request: FetchRequest): Partition[] {
  return request.partitions.flatMap(({ topic, partition }) => state.partition(topic, partition) ?? []);
}

function isEnough({ partitions }: FetchResponse, { minBytes }: FetchRequest): boolean {
  if (partitions.some(({ errorCode }) => errorCode !== 0)) return true;
  return partitions.reduce((sum, { records }) => sum + (records?.length ?? 0), 0) >= minBytes;
}

function readAll(state: ClusterState, nodeId: number, request: FetchRequest): FetchResponse {
  const read = new Map<string, FetchedPartition>();
  let left = request.maxBytes;
  let empty = true;
  for (const asked of request.partitions) {
    const part = readOne(state, nodeId, request, asked, Math.min(left, asked.maxBytes), empty);
    if (part.records !== null) empty = false;
    left = Math.max(0, left - (part.records?.length ?? 0));
    read.set(tpKey(asked.topic, asked.partition), part);
  }
  return { throttleMs: 0, errorCode: 0, partitions: [...read.values()] };
}

function readOne(
  state: ClusterState,
  nodeId: number,
  { isolation }: FetchRequest,
  asked: FetchPartition,
  maxBytes: number,
  atLeastOne: boolean,
): FetchedPartition {
  const found = state.partition(asked.topic, asked.partition);
  const problem =
    found === undefined ? KafkaError.UNKNOWN_TOPIC_OR_PARTITION : refusalOf(found, nodeId, asked);
  if (found === undefined || problem !== 0) return refused(asked, problem);
  const { log, highWatermark, lastStableOffset } = found;
  const from = Number(asked.fetchOffset);
  const limit = isolation === 'read_committed' ? lastStableOffset : highWatermark;
  const slice = log.read(from, limit, maxBytes, atLeastOne);
  const to = (slice.batches.at(-1)?.header.lastOffset ?? from - 1) + 1;
  return {
    topic: asked.topic,
    partition: asked.partition,
    errorCode: 0,
    highWatermark: BigInt(highWatermark),
    lastStableOffset: BigInt(lastStableOffset),
    logStartOffset: BigInt(log.startOffset),
    abortedTransactions: isolation === 'read_committed' ? abortedIn(found, from, to) : null,
    records: slice.bytes.length === 0 ? null : slice.bytes,
  };
}

function abortedIn(
  { log }: Partition,
  from: number,
  to: number,
): NonNullable<FetchedPartition['abortedTransactions']> {
  return log.producers
    .abortedIn(from, to)
    .map(({ producerId, firstOffset }) => ({ producerId, firstOffset: BigInt(firstOffset) }));
}

function refusalOf(partition: Partition, nodeId: number, asked: FetchPartition): number {
  if (!partition.replicas.includes(nodeId)) return KafkaError.NOT_LEADER_OR_FOLLOWER;
  const epoch = asked.currentLeaderEpoch;
  if (epoch >= 0 && epoch < partition.leaderEpoch) return KafkaError.FENCED_LEADER_EPOCH;
  if (epoch > partition.leaderEpoch) return KafkaError.UNKNOWN_LEADER_EPOCH;
  if (!partition.isLedBy(nodeId)) return KafkaError.NOT_LEADER_OR_FOLLOWER;
  const offset = Number(asked.fetchOffset);
  const { startOffset, endOffset } = partition.log;
  return offset < startOffset || offset > endOffset ? KafkaError.OFFSET_OUT_OF_RANGE : 0;
}

function refused({ topic, partition }: FetchPartition, errorCode: number): FetchedPartition {
  const nothing = { highWatermark: -1n, lastStableOffset: -1n, logStartOffset: -1n };
  return { topic, partition, errorCode, ...nothing, abortedTransactions: null, records: null };
}
