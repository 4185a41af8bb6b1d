import {
  type ClusterMetadata,
  type ConfigResource,
  type ConfigResult,
  type EndTxnResponse,
  type FetchRequest,
  type FetchResponse,
  type GroupDescription,
  type GroupIdentity,
  type InitProducerIdRequest,
  type InitProducerIdResponse,
  type Isolation,
  type JoinGroupRequest,
  type JoinGroupResponse,
  type KafkaPort,
  type NewTopic,
  type OffsetAnswer,
  type OffsetQuery,
  type PartitionError,
  type ProduceRequest,
  type ProduceResponse,
  type SyncGroupRequest,
  type SyncGroupResponse,
  type TopicPartition,
  type TopicResult,
  type TransactionVersion,
  type TxnIdentity,
  type TxnOffset,
} from '../port';
import type { SimApi } from './faults';
import * as refusals from './refusals';
import type { SimLane } from './client-network';
import type { SimServer } from './sim-server';
import type { SimRouter } from './sim-router';
import { type CoordinatorType, type Routed } from './sim-router';

const DEFAULT_REQUEST_TIMEOUT_MS = 30_000;
/** What the answer may take on top of the time that a request lets the broker wait. */
const ANSWER_MARGIN_MS = 5_000;

/**
 * KafkaPort on the model. Like the real one it sends every request once, keeps coordinators until an answer or a
 * failure disproves them, and says of every failure whether the request was certainly not applied.
 */
export class SimPort implements KafkaPort {
  private readonly router: SimRouter;
  private readonly server: SimServer;
  private readonly clientId: string;
  private readonly requestTimeoutMs: number;
  private readonly rebalanceTimeouts = new Map<string, number>();

  constructor(router: SimRouter, server: SimServer, clientId: string, requestTimeoutMs?: number) {
    this.router = router;
    this.server = server;
    this.clientId = clientId;
    this.requestTimeoutMs = requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
  }

  transactionVersion(): Promise<TransactionVersion> {
    return this.router.toAny({
      ...this.routed('transactionVersion', 'ApiVersions', [], () => this.server.state.transactionVersion),
      apply: () => this.server.state.transactionVersion,
    });
  }

  metadata(topics: readonly string[] | null): Promise<ClusterMetadata> {
    return this.router.toAny({
      ...this.routed('metadata', 'Metadata', [topics], () => this.server.topics.metadata(topics)),
      apply: () => this.server.topics.metadata(topics),
    });
  }

  async createTopics(
    topics: readonly NewTopic[],
    options: { validateOnly?: boolean } = {},
  ): Promise<readonly TopicResult[]> {
    return this.router.toController({
      ...this.routed(
        'createTopics',
        'CreateTopics',
        [topics, options],
        refusals.ofTopics(topics.map((t) => t.topic)),
      ),
      timeoutMs: this.answerTimeout(this.requestTimeoutMs),
      apply: () => this.server.topics.create(topics, options.validateOnly ?? false),
    });
  }

  deleteTopics(topics: readonly string[]): Promise<readonly TopicResult[]> {
    return this.router.toController({
      ...this.routed('deleteTopics', 'DeleteTopics', [topics], refusals.ofTopics(topics)),
      timeoutMs: this.answerTimeout(this.requestTimeoutMs),
      apply: () => this.server.topics.delete(topics),
    });
  }

  deleteRecords(
    offsets: readonly (TopicPartition & { offset: bigint })[],
    nodeId: number,
  ): Promise<readonly PartitionError[]> {
    return this.router.toNode(nodeId, 'admin', {
      ...this.routed('deleteRecords', 'DeleteRecords', [offsets, nodeId], refusals.ofPartitions(offsets)),
      timeoutMs: this.answerTimeout(this.requestTimeoutMs),
      apply: (node) => this.server.topics.deleteRecords(node, offsets),
    });
  }

  async describeConfigs(resources: readonly ConfigResource[]): Promise<readonly ConfigResult[]> {
    const topics = resources.filter(({ type }) => type === 'topic');
    const ask = (asked: readonly ConfigResource[]): Routed<readonly ConfigResult[]> => ({
      ...this.routed('describeConfigs', 'DescribeConfigs', [asked], refusals.ofConfigs(asked)),
      apply: (node) => this.server.topics.describeConfigs(node, asked),
    });
    const answers = await Promise.all([
      ...(topics.length === 0 ? [] : [this.router.toAny(ask(topics))]),
      ...resources
        .filter(({ type }) => type === 'broker')
        .map((broker) => this.router.toNode(Number(broker.name), 'control', ask([broker]))),
    ]);
    return answers.flat();
  }

  listOffsets(
    nodeId: number,
    isolation: Isolation,
    queries: readonly OffsetQuery[],
  ): Promise<readonly OffsetAnswer[]> {
    const args = [nodeId, isolation, queries];
    return this.router.toNode(nodeId, 'control', {
      ...this.routed('listOffsets', 'ListOffsets', args, refusals.ofQueries(queries)),
      apply: (node) => this.server.listOffsets(node, isolation, queries),
    });
  }

  fetch(nodeId: number, request: FetchRequest): Promise<FetchResponse> {
    return this.router.toNode(nodeId, 'fetch', {
      ...this.routed('fetch', 'Fetch', [nodeId, request], refusals.ofFetch(request)),
      timeoutMs: this.requestTimeoutMs + request.maxWaitMs,
      apply: (node) => this.server.fetch(node, request),
    });
  }

  produce(nodeId: number, request: ProduceRequest): Promise<ProduceResponse> {
    const partitions = request.partitions.map((item) => ({ ...item, batch: Buffer.from(item.batch) }));
    return this.router.toNode(nodeId, 'produce', {
      ...this.routed('produce', 'Produce', [nodeId, request], refusals.ofProduce(request)),
      timeoutMs: this.answerTimeout(request.timeoutMs),
      expectsAnswer: request.acks !== 0,
      apply: (node) => this.server.produce.handle(node, { ...request, partitions }),
    });
  }

  initProducerId(request: InitProducerIdRequest): Promise<InitProducerIdResponse> {
    const routed: Routed<InitProducerIdResponse> = {
      ...this.routed('initProducerId', 'InitProducerId', [request], refusals.ofInitProducerId),
      apply: (node) => this.server.transactions.initProducerId(node, request),
    };
    if (request.transactionalId === null) return this.router.toAny(routed);
    return this.coordinated('transaction', request.transactionalId, routed, codeOf);
  }

  addPartitionsToTxn(
    txn: TxnIdentity,
    partitions: readonly TopicPartition[],
  ): Promise<readonly PartitionError[]> {
    const refuse = refusals.ofPartitions(partitions);
    const routed: Routed<readonly PartitionError[]> = {
      ...this.routed('addPartitionsToTxn', 'AddPartitionsToTxn', [txn, partitions], refuse),
      apply: (node) => this.server.transactions.addPartitions(node, txn, partitions),
    };
    return this.coordinated('transaction', txn.transactionalId, routed, codesOf);
  }

  addOffsetsToTxn(txn: TxnIdentity, groupId: string): Promise<{ readonly errorCode: number }> {
    const routed: Routed<{ errorCode: number }> = {
      ...this.routed('addOffsetsToTxn', 'AddOffsetsToTxn', [txn, groupId], refusals.ofErrorCode),
      apply: async (node) => ({ errorCode: await this.server.transactions.addOffsets(node, txn, groupId) }),
    };
    return this.coordinated('transaction', txn.transactionalId, routed, codeOf);
  }

  txnOffsetCommit(
    txn: TxnIdentity,
    group: GroupIdentity,
    offsets: readonly TxnOffset[],
  ): Promise<readonly PartitionError[]> {
    const args = [txn, group, offsets];
    const routed: Routed<readonly PartitionError[]> = {
      ...this.routed('txnOffsetCommit', 'TxnOffsetCommit', args, refusals.ofPartitions(offsets)),
      apply: (node) => this.server.offsets.commitInTransaction(node, txn, group, offsets),
    };
    return this.coordinated('group', group.groupId, routed, codesOf);
  }

  endTxn(txn: TxnIdentity, committed: boolean): Promise<EndTxnResponse> {
    const routed: Routed<EndTxnResponse> = {
      ...this.routed('endTxn', 'EndTxn', [txn, committed], refusals.ofErrorCode),
      apply: (node) => this.server.transactions.endTxn(node, txn, committed),
    };
    return this.coordinated('transaction', txn.transactionalId, routed, codeOf);
  }

  offsetCommit(group: GroupIdentity, offsets: readonly TxnOffset[]): Promise<readonly PartitionError[]> {
    const routed: Routed<readonly PartitionError[]> = {
      ...this.routed('offsetCommit', 'OffsetCommit', [group, offsets], refusals.ofPartitions(offsets)),
      apply: (node) => this.server.offsets.commit(node, group, offsets),
    };
    return this.coordinated('group', group.groupId, routed, codesOf);
  }

  offsetFetch(groupId: string, partitions: readonly TopicPartition[] | null, requireStable: boolean) {
    const args = [groupId, partitions, requireStable];
    const routed = {
      ...this.routed('offsetFetch', 'OffsetFetch', args, refusals.ofOffsetFetch),
      apply: (node: number) => this.server.offsets.fetch(node, groupId, partitions, requireStable),
    };
    return this.coordinated('group', groupId, routed, codeOf);
  }

  deleteOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
  ): Promise<{ readonly errorCode: number }> {
    return this.ofGroup('deleteOffsets', 'OffsetDelete', groupId, [groupId, partitions], (node) =>
      this.server.offsets.delete(node, groupId, partitions),
    );
  }

  joinGroup(request: JoinGroupRequest): Promise<JoinGroupResponse> {
    const { groupId, rebalanceTimeoutMs } = request;
    this.rebalanceTimeouts.set(groupId, rebalanceTimeoutMs);
    const routed: Routed<JoinGroupResponse> = {
      ...this.routed('joinGroup', 'JoinGroup', [request], refusals.ofJoinGroup),
      timeoutMs: this.answerTimeout(rebalanceTimeoutMs),
      apply: (node) => this.server.groups.join(node, this.clientId, request),
    };
    return this.coordinated('group', groupId, routed, codeOf, 'group');
  }

  syncGroup(request: SyncGroupRequest): Promise<SyncGroupResponse> {
    const { groupId } = request;
    const routed: Routed<SyncGroupResponse> = {
      ...this.routed('syncGroup', 'SyncGroup', [request], refusals.ofSyncGroup),
      timeoutMs: this.answerTimeout(this.rebalanceTimeouts.get(groupId) ?? 0),
      apply: (node) => this.server.groups.sync(node, request),
    };
    return this.coordinated('group', groupId, routed, codeOf, 'group');
  }

  heartbeat(group: GroupIdentity): Promise<{ readonly errorCode: number }> {
    const routed: Routed<{ errorCode: number }> = {
      ...this.routed('heartbeat', 'Heartbeat', [group], refusals.ofErrorCode),
      apply: (node) => ({ errorCode: this.server.groups.heartbeat(node, group) }),
    };
    return this.coordinated('group', group.groupId, routed, codeOf, 'heartbeat');
  }

  leaveGroup(
    groupId: string,
    members: readonly { readonly memberId: string; readonly groupInstanceId: string | null }[],
  ): Promise<{ readonly errorCode: number }> {
    return this.ofGroup('leaveGroup', 'LeaveGroup', groupId, [groupId, members], (node) =>
      this.server.groups.leave(node, groupId, members),
    );
  }

  describeGroup(groupId: string): Promise<GroupDescription> {
    const routed: Routed<GroupDescription> = {
      ...this.routed('describeGroup', 'DescribeGroups', [groupId], refusals.ofDescribeGroup(groupId)),
      apply: (node) => this.server.groups.describe(node, groupId),
    };
    return this.coordinated('group', groupId, routed, codeOf);
  }

  deleteGroup(groupId: string): Promise<{ readonly errorCode: number }> {
    return this.ofGroup('deleteGroup', 'DeleteGroups', groupId, [groupId], (node) =>
      this.server.groups.delete(node, groupId),
    );
  }

  close(): Promise<void> {
    this.router.close();
    return Promise.resolve();
  }

  private ofGroup(
    api: SimApi,
    name: string,
    groupId: string,
    args: readonly unknown[],
    apply: (nodeId: number) => number,
  ): Promise<{ readonly errorCode: number }> {
    const routed: Routed<{ errorCode: number }> = {
      ...this.routed(api, name, args, refusals.ofErrorCode),
      apply: (node) => ({ errorCode: apply(node) }),
    };
    return this.coordinated('group', groupId, routed, codeOf);
  }

  private coordinated<A>(
    type: CoordinatorType,
    key: string,
    routed: Routed<A>,
    codes: (answer: A) => readonly number[],
    lane: SimLane = 'control',
  ): Promise<A> {
    return this.router.toCoordinator(type, key, routed, codes, lane);
  }

  private routed<A>(
    api: SimApi,
    name: string,
    args: readonly unknown[],
    refuse: (errorCode: number) => A,
  ): Omit<Routed<A>, 'apply'> {
    return { api, name, args, refuse, timeoutMs: this.requestTimeoutMs, expectsAnswer: true };
  }

  private answerTimeout(brokerWaitMs: number): number {
    return Math.max(this.requestTimeoutMs, brokerWaitMs + ANSWER_MARGIN_MS);
  }
}

function codeOf({ errorCode }: { readonly errorCode: number }): readonly number[] {
  return [errorCode];
}

function codesOf(partitions: readonly PartitionError[]): readonly number[] {
  return partitions.map(({ errorCode }) => errorCode);
}
