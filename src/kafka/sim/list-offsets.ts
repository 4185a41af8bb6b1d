import { EARLIEST, LATEST, type Isolation, type OffsetAnswer, type OffsetQuery } from '../port';
import { KafkaError } from '../protocol/errors';
import type { ClusterState } from './cluster-state';
import type { Partition } from './partition';
import { recordsOf } from './record-rewrite';

interface Found {
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

/** ListOffsets: unlike a Fetch it never tells a high watermark that is behind (KIP-207). */
export function listOffsets(
  state: ClusterState,
  nodeId: number,
  isolation: Isolation,
  queries: readonly OffsetQuery[],
): OffsetAnswer[] {
  return queries.map((query) => {
    const { topic, partition } = query;
    const asked = state.partition(topic, partition);
    const found =
      asked === undefined
        ? KafkaError.UNKNOWN_TOPIC_OR_PARTITION
        : asked.isLedBy(nodeId)
          ? find(asked, isolation, query.timestamp)
          : KafkaError.NOT_LEADER_OR_FOLLOWER;
    if (typeof found === 'number')
      return { topic, partition, errorCode: found, offset: -1n, timestamp: -1n, leaderEpoch: -1 };
    const { offset, timestamp, leaderEpoch } = found;
    return {
      topic,
      partition,
      errorCode: 0,
      offset: BigInt(offset),
      timestamp: BigInt(timestamp),
      leaderEpoch,
    };
  });
}

/** As Kafka's Partition.fetchOffsetForTimestamp. A number is an error code. */
function find(partition: Partition, isolation: Isolation, timestamp: bigint): Found | number {
  const { log, leaderEpoch } = partition;
  if (timestamp === EARLIEST) {
    const first = log.batches[0]?.header.leaderEpoch ?? leaderEpoch;
    return { offset: log.startOffset, timestamp: -1, leaderEpoch: first };
  }
  const end = isolation === 'read_committed' ? partition.lastStableOffset : partition.highWatermark;
  if (timestamp === LATEST) {
    if (partition.watermarkIsBehind) return KafkaError.OFFSET_NOT_AVAILABLE;
    return { offset: end, timestamp: -1, leaderEpoch };
  }
  const found = firstAt(partition, Number(timestamp));
  if (found !== null && found.offset < end) return found;
  if (partition.watermarkIsBehind) return KafkaError.OFFSET_NOT_AVAILABLE;
  return { offset: -1, timestamp: -1, leaderEpoch: -1 };
}

/** The first record that is not older; whether its transaction was aborted does not matter to the broker. */
function firstAt({ log }: Partition, timestamp: number): Found | null {
  for (const { header, bytes } of log.batches) {
    if (header.maxTimestamp < timestamp) continue;
    const record = recordsOf(bytes).find(
      (candidate) => candidate.timestamp >= timestamp && candidate.offset >= log.startOffset,
    );
    if (record !== undefined)
      return { offset: record.offset, timestamp: record.timestamp, leaderEpoch: header.leaderEpoch };
  }
  return null;
}
