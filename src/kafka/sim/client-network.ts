import { KafkaRequestError } from '../port';
import type { ClusterState } from './cluster-state';
import { Connection, type Exchange } from './connection';
import type { SimProcess } from './sim-process';

/**
 * As the lanes of the real transport: `control`, `heartbeat` and `produce` are one ordered connection each; of the
 * others, whose answers may be long in coming, each request under way has its own.
 */
export type SimLane = 'control' | 'heartbeat' | 'produce' | 'fetch' | 'group' | 'admin';

const HAVE_A_CONNECTION_EACH: ReadonlySet<SimLane> = new Set<SimLane>(['fetch', 'group', 'admin']);
const CONNECT_MS = { min: 0.2, max: 2 };
const CLOSED = 'the Kafka client is closed';

interface Lane {
  connection: Connection | null;
  /** Being connected: who comes meanwhile waits, in order. Null: no connection is being made. */
  waiting: Job[] | null;
}
interface Job {
  readonly start: (connection: Connection) => void;
  readonly fail: (reason: string) => void;
}

/** All connections of one client. */
export class ClientNetwork {
  private readonly state: ClusterState;
  private readonly process: SimProcess;
  private readonly lanes = new Map<string, Lane>();
  private closed = false;

  constructor(state: ClusterState, process: SimProcess) {
    this.state = state;
    this.process = process;
    process.onKill(() => this.abandon());
  }

  /** Calls to one node on one lane arrive in the order of the calls. @throws {KafkaRequestError} */
  send<A>(nodeId: number, kind: SimLane, exchange: Exchange<A>): Promise<A> {
    return new Promise((resolve, reject) => {
      if (!this.process.alive) return;
      const fail = (reason: string): void => reject(unsent(exchange.api, nodeId, reason));
      if (this.closed) return fail(CLOSED);
      const lane = this.laneFor(nodeId, kind);
      const start = (connection: Connection): void => void connection.send(exchange).then(resolve, reject);
      if (lane.waiting !== null) lane.waiting.push({ start, fail });
      else if (lane.connection?.usable === true) start(lane.connection);
      else this.open(lane, nodeId, { start, fail });
    });
  }

  /** A broker is gone: connections to it break. */
  nodeDown(nodeId: number): void {
    for (const { connection } of this.lanes.values()) {
      if (connection?.leadsTo(nodeId) === true) connection.reset('the broker closed the connection');
    }
  }

  close(): void {
    this.closed = true;
    for (const lane of this.lanes.values()) {
      for (const { fail } of lane.waiting ?? []) fail(CLOSED);
      lane.waiting = null;
      lane.connection?.break(new Error(CLOSED));
    }
  }

  private open(lane: Lane, nodeId: number, first: Job): void {
    const jobs = [first];
    lane.waiting = jobs;
    const { random } = this.state.platform;
    this.process.scheduler.after(random.between(CONNECT_MS.min, CONNECT_MS.max), () => {
      if (this.closed) return; // close() has told them
      lane.waiting = null;
      const node = this.state.nodes.get(nodeId);
      if (node?.alive !== true) return jobs.forEach(({ fail }) => fail('connection refused'));
      const connection = new Connection(this.state, this.process, node);
      lane.connection = connection;
      for (const { start } of jobs) start(connection);
    });
  }

  private laneFor(nodeId: number, kind: SimLane): Lane {
    for (let index = 0; ; index++) {
      const lane = this.laneAt(`${nodeId}/${kind}/${index}`);
      const idle = lane.waiting === null && (lane.connection === null || lane.connection.idle);
      if (!HAVE_A_CONNECTION_EACH.has(kind) || idle) return lane;
    }
  }

  private laneAt(key: string): Lane {
    const lane = this.lanes.get(key) ?? { connection: null, waiting: null };
    this.lanes.set(key, lane);
    return lane;
  }

  /** A killed process hears nothing, not even that its connections are gone. */
  private abandon(): void {
    this.closed = true;
    for (const { connection } of this.lanes.values()) connection?.abandon();
  }
}

export function unsent(api: string, nodeId: number, reason: string): KafkaRequestError {
  return new KafkaRequestError(api, `${api} was not sent to node ${nodeId}: ${reason}`, true);
}
