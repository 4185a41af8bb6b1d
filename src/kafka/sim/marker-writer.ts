import { KafkaError } from '../protocol/errors';
import { OFFSETS_TOPIC, type ClusterState } from './cluster-state';
import type { GroupOffsets } from './group-offsets';
import type { Partition } from './partition';
import { markerBatch } from './record-rewrite';

export interface Marker {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly committed: boolean;
  readonly coordinatorEpoch: number;
}

/** How long a marker is on its way: EndTxn has been answered before. A few take long: the coordinator has much to do. */
const DELAY_MS = { min: 0.1, max: 3 };
const SLOW_MS = { min: 10, max: 80 };
const SLOW_SHARE = 0.04;
const RETRY_MS = 20;
const REPLICATION_TIMEOUT_MS = 30_000;

/** Writes the markers of one transaction into every partition that it touched, as often as it takes. */
export class MarkerWriter {
  private readonly state: ClusterState;
  private readonly offsets: GroupOffsets;
  /** Added to every delay, for tests that look into the window between EndTxn's answer and its markers. */
  extraDelayMs = 0;

  constructor(state: ClusterState, offsets: GroupOffsets) {
    this.state = state;
    this.offsets = offsets;
  }

  /** Resolves with true when all are written, with false when the coordinator is another one by then. */
  async writeAll(partitions: Iterable<string>, marker: Marker, isStale: () => boolean): Promise<boolean> {
    const written = [...partitions].map((key) => this.writeOne(key, marker, isStale));
    return (await Promise.all(written)).every((done) => done);
  }

  private async writeOne(key: string, marker: Marker, isStale: () => boolean): Promise<boolean> {
    const dash = key.lastIndexOf('-');
    const [topic, index] = [key.slice(0, dash), Number(key.slice(dash + 1))];
    for (;;) {
      await this.state.platform.wait(this.delay());
      if (isStale()) return false;
      const partition = this.state.topics.get(topic)?.partitions[index];
      if (partition === undefined) return true; // deleted meanwhile: Kafka too gives it up
      if (partition.leader >= 0 && this.state.isAlive(partition.leader)) {
        if (await this.append(partition, marker)) return !isStale();
      }
      await this.state.platform.wait(RETRY_MS);
    }
  }

  private async append(partition: Partition, marker: Marker): Promise<boolean> {
    if (partition.topic === OFFSETS_TOPIC) return this.offsets.endTransaction(partition.partition, marker);
    const { producers } = partition.log;
    if (!producers.acceptsMarker(marker.producerId, marker.producerEpoch)) return true;
    const { header } = partition.append(markerBatch({ ...marker, timestamp: this.state.now() }));
    const how = await partition.replicated(header.lastOffset + 1, this.state.after(REPLICATION_TIMEOUT_MS));
    return how === 'done';
  }

  private delay(): number {
    const { random } = this.state.platform;
    const range = random.chance(SLOW_SHARE) ? SLOW_MS : DELAY_MS;
    return random.between(range.min, range.max) + this.extraDelayMs;
  }
}

/** What a leader is told when a partition is not in the transaction (KIP-890), in the words of Produce up to v11. */
export function verificationError(errorCode: number): number {
  switch (errorCode) {
    case KafkaError.PRODUCER_FENCED:
      return KafkaError.INVALID_PRODUCER_EPOCH;
    case KafkaError.CONCURRENT_TRANSACTIONS:
    case KafkaError.COORDINATOR_LOAD_IN_PROGRESS:
    case KafkaError.COORDINATOR_NOT_AVAILABLE:
    case KafkaError.NOT_COORDINATOR:
      return KafkaError.NOT_ENOUGH_REPLICAS;
    default:
      return errorCode;
  }
}
