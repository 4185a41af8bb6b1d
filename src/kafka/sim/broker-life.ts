import type { ClusterState } from './cluster-state';
import type { Partition } from './partition';

/** How long a broker takes from its start to its first answer, and then to be in sync again. */
const START_MS = { min: 50, max: 400 };
const CATCH_UP_MS = { min: 5, max: 200 };

/** Brokers that die, stop and come back, and leaders that move: the controller's part. */
export class BrokerLife {
  private readonly state: ClusterState;
  /** The network's part: connections to the node break. */
  private readonly onDown: (nodeId: number) => void;

  constructor(state: ClusterState, onDown: (nodeId: number) => void) {
    this.state = state;
    this.onDown = onDown;
  }

  /** SIGKILL: the controller notices when the broker's session runs out. */
  kill(nodeId: number): void {
    const node = this.state.node(nodeId);
    if (!node.alive) return;
    this.down(nodeId);
    const { incarnation } = node;
    this.state.platform.after(this.state.setting('broker.session.timeout.ms'), () => {
      if (node.incarnation === incarnation && !node.alive) this.fence(nodeId);
    });
  }

  /** SIGTERM, a controlled shutdown: its leaders move before it goes. */
  stop(nodeId: number): void {
    if (!this.state.node(nodeId).alive) return;
    this.fence(nodeId);
    this.down(nodeId);
  }

  /** Resolves when it answers. A killed one is not taken back before its old session has run out. */
  async start(nodeId: number): Promise<void> {
    const { platform } = this.state;
    const node = this.state.node(nodeId);
    while (node.registered && !node.alive) await platform.wait(10);
    if (node.alive) return;
    await platform.wait(platform.random.between(START_MS.min, START_MS.max));
    node.alive = true;
    node.registered = true;
    for (const partition of this.state.allPartitions()) this.comeBack(nodeId, partition);
  }

  /** @returns false when the node is not in sync or not there */
  moveLeader(partition: Partition, to: number): boolean {
    if (!partition.isr.includes(to) || !this.state.isAlive(to)) return false;
    partition.elect(to);
    return true;
  }

  private down(nodeId: number): void {
    const node = this.state.node(nodeId);
    node.alive = false;
    node.incarnation++;
    this.onDown(nodeId);
  }

  private fence(nodeId: number): void {
    this.state.node(nodeId).registered = false;
    for (const partition of this.state.allPartitions()) {
      const others = partition.isr.filter((id) => id !== nodeId);
      if (others.length > 0 && partition.isr.includes(nodeId)) partition.setIsr(others);
      if (partition.leader !== nodeId) continue;
      const next = others.find((id) => this.state.isAlive(id));
      partition.elect(next ?? -1);
    }
  }

  private comeBack(nodeId: number, partition: Partition): void {
    if (!partition.replicas.includes(nodeId)) return;
    if (partition.leader < 0 && partition.isr.includes(nodeId)) partition.elect(nodeId);
    if (partition.isr.includes(nodeId)) return partition.setIsr(partition.isr);
    const { platform } = this.state;
    platform.after(platform.random.between(CATCH_UP_MS.min, CATCH_UP_MS.max), () => {
      if (!this.state.isAlive(nodeId) || partition.isr.includes(nodeId) || partition.leader < 0) return;
      partition.setIsr([...partition.isr, nodeId].sort((a, b) => a - b));
    });
  }
}
