import { KafkaRequestError } from '../port';
import { KafkaError, kafkaErrorName } from '../protocol/errors';
import { ClientNetwork, unsent, type SimLane } from './client-network';
import type { Exchange } from './connection';
import type { SimApi, SimFault } from './faults';
import type { SimProcess } from './sim-process';
import type { SimServer } from './sim-server';

export type CoordinatorType = 'group' | 'transaction';

/** A request that does not know its node yet. */
export interface Routed<A> extends Omit<Exchange<A>, 'api' | 'fault'> {
  readonly api: SimApi;
  readonly name: string;
  readonly args: readonly unknown[];
}

const MOVED: ReadonlySet<number> = new Set([
  KafkaError.NOT_COORDINATOR,
  KafkaError.COORDINATOR_NOT_AVAILABLE,
]);

/** Finds the broker for a request, as the real transport does. */
export class SimRouter {
  private readonly server: SimServer;
  private readonly clientId: string;
  private readonly network: ClientNetwork;
  private readonly coordinators = new Map<string, Promise<number>>();
  private readonly counts = new Map<SimApi, number>();
  private readonly timeoutMs: number;
  private preferred = 1;

  constructor(server: SimServer, process: SimProcess, clientId: string, timeoutMs: number) {
    this.server = server;
    this.clientId = clientId;
    this.timeoutMs = timeoutMs;
    this.network = new ClientNetwork(server.state, process);
    server.networks.add(this.network);
  }

  toNode<A>(nodeId: number, lane: SimLane, routed: Routed<A>): Promise<A> {
    const known = this.server.state.nodes.get(nodeId)?.registered === true;
    if (!known) return Promise.reject(unsent(routed.name, nodeId, 'the cluster has no such node at present'));
    return this.network.send(nodeId, lane, {
      ...routed,
      api: routed.name,
      fault: this.fault(nodeId, routed),
    });
  }

  /** The first broker that can be reached; a request that was written is not sent again. */
  async toAny<A>(routed: Routed<A>): Promise<A> {
    const ids = [...this.server.state.nodes.keys()];
    const start = Math.max(0, ids.indexOf(this.preferred));
    for (const nodeId of [...ids.slice(start), ...ids.slice(0, start)]) {
      try {
        const exchange = { ...routed, api: routed.name, fault: this.fault(nodeId, routed) };
        const answer = await this.network.send(nodeId, 'control', exchange);
        this.preferred = nodeId;
        return answer;
      } catch (error) {
        if (!(error instanceof KafkaRequestError) || !error.definite) throw error;
      }
    }
    throw new KafkaRequestError(routed.name, 'no bootstrap broker can be reached', true);
  }

  toController<A>(routed: Routed<A>): Promise<A> {
    const nodeId = this.server.state.controller();
    if (nodeId >= 0) return this.toNode(nodeId, 'admin', routed);
    return Promise.reject(new KafkaRequestError(routed.name, 'no bootstrap broker can be reached', true));
  }

  async toCoordinator<A>(
    type: CoordinatorType,
    key: string,
    routed: Routed<A>,
    codes: (answer: A) => readonly number[],
    lane: SimLane,
  ): Promise<A> {
    const cacheKey = `${type}/${key}`;
    const nodeId = await this.coordinatorOf(type, key, cacheKey);
    try {
      const answer = await this.toNode(nodeId, lane, routed);
      if (codes(answer).some((code) => MOVED.has(code))) this.coordinators.delete(cacheKey);
      return answer;
    } catch (error) {
      this.coordinators.delete(cacheKey);
      throw error;
    }
  }

  close(): void {
    this.network.close();
    this.server.networks.delete(this.network);
  }

  private coordinatorOf(type: CoordinatorType, key: string, cacheKey: string): Promise<number> {
    const known = this.coordinators.get(cacheKey);
    if (known !== undefined) return known;
    const asked = this.findCoordinator(type, key).catch((error: unknown) => {
      if (this.coordinators.get(cacheKey) === asked) this.coordinators.delete(cacheKey);
      throw error;
    });
    this.coordinators.set(cacheKey, asked);
    return asked;
  }

  /** Asking changes nothing: every failure is definite. */
  private async findCoordinator(type: CoordinatorType, key: string): Promise<number> {
    const name = 'FindCoordinator';
    const home = type === 'group' ? this.server.groups.home : this.server.transactions.home;
    const answer = await this.toAny<{ errorCode: number; nodeId: number }>({
      ...{ api: 'findCoordinator', name, args: [type, key], timeoutMs: this.timeoutMs, expectsAnswer: true },
      refuse: (errorCode) => ({ errorCode, nodeId: -1 }),
      apply: () => {
        const nodeId = home.find(key);
        return nodeId === null
          ? { errorCode: KafkaError.COORDINATOR_NOT_AVAILABLE, nodeId: -1 }
          : { errorCode: 0, nodeId };
      },
    }).catch((error: unknown) => {
      if (!(error instanceof KafkaRequestError)) throw error;
      throw new KafkaRequestError(name, error.message, true, error);
    });
    if (answer.errorCode === 0) return answer.nodeId;
    const what = `the coordinator of ${type} ${key} was not found, ${kafkaErrorName(answer.errorCode)}`;
    throw new KafkaRequestError(name, what, true);
  }

  private fault<A>(nodeId: number, { api, args }: Routed<A>): SimFault | null {
    const nth = (this.counts.get(api) ?? 0) + 1;
    this.counts.set(api, nth);
    return this.server.faults?.({ api, args, nth, nodeId, clientId: this.clientId }) ?? null;
  }
}
