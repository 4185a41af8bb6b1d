import type { FetchRequest, FetchResponse, Isolation, OffsetAnswer, OffsetQuery } from '../port';
import type { ClientNetwork } from './client-network';
import type { ClusterState } from './cluster-state';
import type { FaultHook } from './faults';
import { fetch } from './fetch';
import { GroupCoordinator } from './group-coordinator';
import { GroupOffsets } from './group-offsets';
import { listOffsets } from './list-offsets';
import { MarkerWriter } from './marker-writer';
import { OffsetRequests } from './offset-requests';
import { Produce } from './produce';
import { TopicRequests } from './topic-requests';
import { TransactionCoordinator } from './transaction-coordinator';

/** All brokers together: what each request comes to. */
export class SimServer {
  readonly state: ClusterState;
  readonly topics: TopicRequests;
  readonly groups: GroupCoordinator;
  readonly transactions: TransactionCoordinator;
  readonly offsets: OffsetRequests;
  readonly produce: Produce;
  readonly markers: MarkerWriter;
  /** Of the clients that are connected. */
  readonly networks = new Set<ClientNetwork>();
  faults: FaultHook | null = null;

  constructor(state: ClusterState) {
    const groupOffsets = new GroupOffsets();
    this.state = state;
    this.topics = new TopicRequests(state);
    this.groups = new GroupCoordinator(state, groupOffsets);
    this.markers = new MarkerWriter(state, groupOffsets);
    const { home } = this.groups;
    this.transactions = new TransactionCoordinator(state, this.markers, (id) => home.indexOf(id));
    this.offsets = new OffsetRequests(state, this.groups, groupOffsets, this.transactions);
    this.produce = new Produce(state, this.transactions);
  }

  fetch(nodeId: number, request: FetchRequest): Promise<FetchResponse> {
    return fetch(this.state, nodeId, request);
  }

  listOffsets(nodeId: number, isolation: Isolation, queries: readonly OffsetQuery[]): OffsetAnswer[] {
    return listOffsets(this.state, nodeId, isolation, queries);
  }
}
