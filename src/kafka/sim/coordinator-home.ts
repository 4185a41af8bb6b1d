import type { ClusterState } from './cluster-state';
import type { Partition } from './partition';
import { KafkaError } from '../protocol/errors';

const LOAD_MS = { min: 1, max: 60 };

/**
 * Which broker coordinates a group or a transactional id: the leader of the partition of an internal topic that the
 * key falls into. A new leader must load the partition first.
 */
export class CoordinatorHome {
  private readonly state: ClusterState;
  private readonly topic: string;
  private readonly loadedEpochs = new Map<number, number>();

  /** @param onLoad called when a new leader has read the partition with this index */
  constructor(state: ClusterState, topic: string, onLoad: (index: number) => void) {
    this.state = state;
    this.topic = topic;
    for (const partition of this.partitions) {
      const index = partition.partition;
      this.loadedEpochs.set(index, partition.leaderEpoch);
      let seen = partition.leaderEpoch;
      partition.watch(() => {
        if (partition.leaderEpoch === seen) return;
        seen = partition.leaderEpoch;
        this.load(partition, seen, onLoad);
      });
    }
  }

  get partitions(): readonly Partition[] {
    return this.state.topics.get(this.topic)?.partitions ?? [];
  }

  indexOf(key: string): number {
    return (javaHash(key) & 0x7fffffff) % this.partitions.length;
  }

  partitionOf(key: string): Partition {
    return this.partitions[this.indexOf(key)]!;
  }

  /** The answer to FindCoordinator: a node id, or null when there is none at present. */
  find(key: string): number | null {
    const { leader } = this.partitionOf(key);
    return leader >= 0 && this.state.node(leader).registered ? leader : null;
  }

  /** What a broker answers that was asked for this key: 0 when it is the coordinator. */
  refusal(key: string, nodeId: number): number {
    const partition = this.partitionOf(key);
    if (!partition.isLedBy(nodeId)) return KafkaError.NOT_COORDINATOR;
    const loaded = this.loadedEpochs.get(partition.partition) === partition.leaderEpoch;
    return loaded ? 0 : KafkaError.COORDINATOR_LOAD_IN_PROGRESS;
  }

  /** Whether somebody coordinates the key right now, whoever it is. */
  serves(key: string): boolean {
    const { leader } = this.partitionOf(key);
    return leader >= 0 && this.refusal(key, leader) === 0;
  }

  private load(partition: Partition, epoch: number, onLoad: (index: number) => void): void {
    if (partition.leader < 0) return;
    const { random } = this.state.platform;
    this.state.platform.after(random.between(LOAD_MS.min, LOAD_MS.max), () => {
      if (partition.leaderEpoch !== epoch || !this.state.isAlive(partition.leader)) return;
      this.loadedEpochs.set(partition.partition, epoch);
      onLoad(partition.partition);
    });
  }
}

/** String.hashCode of Java, by which Kafka places keys. */
function javaHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0;
  return hash;
}
