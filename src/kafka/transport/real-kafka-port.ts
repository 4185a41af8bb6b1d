import type { Platform } from '../../util/ports';
import type {
  ConfigResource,
  ConfigResult,
  EndTxnResponse,
  FetchRequest,
  FetchResponse,
  GroupDescription,
  GroupIdentity,
  InitProducerIdRequest,
  InitProducerIdResponse,
  Isolation,
  JoinGroupRequest,
  JoinGroupResponse,
  KafkaPort,
  NegotiatingPort,
  NewTopic,
  OffsetAnswer,
  OffsetQuery,
  PartitionError,
  ProduceRequest,
  ProduceResponse,
  SyncGroupRequest,
  SyncGroupResponse,
  TopicPartition,
  TopicResult,
  TransactionVersion,
  TxnIdentity,
  TxnOffset,
  ClusterMetadata,
} from '../port';
import type { KafkaApi, Throttled } from '../protocol/api';
import { API_VERSIONS } from '../protocol/api-versions';
import { DESCRIBE_CONFIGS } from '../protocol/configs';
import { FETCH } from '../protocol/fetch';
import type { CoordinatorType } from '../protocol/find-coordinator';
import { OFFSET_COMMIT, OFFSET_DELETE, OFFSET_FETCH } from '../protocol/group-offsets';
import { DELETE_GROUPS, DESCRIBE_GROUPS } from '../protocol/groups';
import { LIST_OFFSETS } from '../protocol/list-offsets';
import { HEARTBEAT, JOIN_GROUP, LEAVE_GROUP, SYNC_GROUP } from '../protocol/membership';
import { PRODUCE } from '../protocol/produce';
import { CREATE_TOPICS, DELETE_RECORDS, DELETE_TOPICS } from '../protocol/topics';
import {
  ADD_OFFSETS_TO_TXN,
  ADD_PARTITIONS_TO_TXN,
  END_TXN,
  INIT_PRODUCER_ID,
  TXN_OFFSET_COMMIT,
} from '../protocol/transactions';
import {
  DEFAULT_REQUEST_TIMEOUT_MS,
  parseAddress,
  type BrokerAddress,
  type KafkaClientConfig,
} from './client-config';
import { ClusterView } from './cluster-view';
import { Coordinators } from './coordinators';
import { Connector } from './connector';
import { Lane, type LaneOptions } from './lane';
import { LanePool, type LaneKind } from './lane-pool';
import { missingApis } from './version-choice';

/** What the answer may take on top of the time that a request lets the broker wait. */
const ANSWER_MARGIN_MS = 5_000;

interface Coordinated {
  readonly type: CoordinatorType;
  /** Group id or transactional id. */
  readonly key: string;
  readonly kind?: LaneKind;
  readonly timeoutMs?: number;
}

/**
 * The KafkaPort over real brokers. Nothing is connected before the first call.
 *
 * It sends every request once. Coordinators and node addresses are kept until an answer or a failure disproves them:
 * after a `definite` failure or an error code that says "not here", the next call looks again.
 * A batch given to `produce` must not change before its promise settles: it is sent from where it is.
 * @throws {RangeError} when a broker address is malformed or there is none
 */
export function createKafkaPort(config: KafkaClientConfig, platform: Platform): KafkaPort {
  return new RealKafkaPort(config, platform);
}

class RealKafkaPort implements NegotiatingPort {
  readonly #clientId: string;
  readonly #platform: Platform;
  readonly #requestTimeoutMs: number;
  readonly #connector: Connector;
  readonly #lanes: LanePool;
  readonly #cluster: ClusterView;
  readonly #coordinators: Coordinators;
  /** Per group, how long a SyncGroup may wait for the leader: the time-out of the last JoinGroup. */
  readonly #rebalanceTimeouts = new Map<string, number>();
  #closing: Promise<void> | null = null;

  constructor(config: KafkaClientConfig, platform: Platform) {
    const seeds = config.brokers.map(parseAddress);
    if (seeds.length === 0) throw new RangeError('no broker address was given');
    this.#clientId = config.clientId;
    this.#platform = platform;
    this.#requestTimeoutMs = config.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
    this.#connector = new Connector(config, platform);
    this.#lanes = new LanePool((nodeId) => this.#laneToNode(nodeId));
    this.#cluster = new ClusterView({
      seeds,
      requestTimeoutMs: this.#requestTimeoutMs,
      lanes: this.#lanes,
      seedLane: (address) => new Lane(this.#laneToSeed(address)),
    });
    this.#coordinators = new Coordinators(this.#cluster);
  }

  async transactionVersion(): Promise<TransactionVersion> {
    const { finalizedFeatures } = await this.#cluster.sendToAny(API_VERSIONS, null);
    return (finalizedFeatures.get('transaction.version') ?? 0) >= 2 ? 2 : 1;
  }

  async missingApis(nodeId: number): Promise<readonly string[]> {
    const { apis } = await this.#control(nodeId, API_VERSIONS, null);
    return missingApis((key) => apis.get(key));
  }

  metadata(topics: readonly string[] | null): Promise<ClusterMetadata> {
    return this.#cluster.metadata(topics);
  }

  async createTopics(
    topics: readonly NewTopic[],
    options: { validateOnly?: boolean } = {},
  ): Promise<readonly TopicResult[]> {
    const request = {
      topics,
      timeoutMs: this.#requestTimeoutMs,
      validateOnly: options.validateOnly ?? false,
    };
    return (await this.#administer(await this.#cluster.controller(), CREATE_TOPICS, request)).results;
  }

  async deleteTopics(topics: readonly string[]): Promise<readonly TopicResult[]> {
    const request = { topics, timeoutMs: this.#requestTimeoutMs };
    return (await this.#administer(await this.#cluster.controller(), DELETE_TOPICS, request)).results;
  }

  async deleteRecords(
    offsets: readonly (TopicPartition & { offset: bigint })[],
    nodeId: number,
  ): Promise<readonly PartitionError[]> {
    const request = { offsets, timeoutMs: this.#requestTimeoutMs };
    return (await this.#administer(nodeId, DELETE_RECORDS, request)).results;
  }

  /** Topics are asked of any broker, a broker's settings of itself: one request each. */
  async describeConfigs(resources: readonly ConfigResource[]): Promise<readonly ConfigResult[]> {
    const topics = resources.filter(({ type }) => type === 'topic');
    const brokers = resources.filter(({ type }) => type === 'broker');
    const answers = await Promise.all([
      ...(topics.length === 0 ? [] : [this.#cluster.sendToAny(DESCRIBE_CONFIGS, { resources: topics })]),
      ...brokers.map((broker) =>
        this.#control(Number(broker.name), DESCRIBE_CONFIGS, { resources: [broker] }),
      ),
    ]);
    return answers.flatMap(({ results }) => results);
  }

  async listOffsets(
    nodeId: number,
    isolation: Isolation,
    queries: readonly OffsetQuery[],
  ): Promise<readonly OffsetAnswer[]> {
    return (await this.#control(nodeId, LIST_OFFSETS, { isolation, queries })).answers;
  }

  fetch(nodeId: number, request: FetchRequest): Promise<FetchResponse> {
    const timeoutMs = this.#requestTimeoutMs + request.maxWaitMs;
    return this.#lanes.lane(nodeId, 'fetch').send(FETCH, request, timeoutMs);
  }

  async produce(nodeId: number, request: ProduceRequest): Promise<ProduceResponse> {
    const timeoutMs = this.#answerTimeout(request.timeoutMs);
    const sent = this.#lanes.lane(nodeId, 'produce').send(PRODUCE, request, timeoutMs, request.acks !== 0);
    return (await sent) ?? unacknowledged(request);
  }

  initProducerId(request: InitProducerIdRequest): Promise<InitProducerIdResponse> {
    if (request.transactionalId === null) return this.#cluster.sendToAny(INIT_PRODUCER_ID, request);
    return this.#coordinated(transaction(request.transactionalId), INIT_PRODUCER_ID, request, codeOf);
  }

  async addPartitionsToTxn(
    txn: TxnIdentity,
    partitions: readonly TopicPartition[],
  ): Promise<readonly PartitionError[]> {
    const request = { txn, partitions };
    const to = transaction(txn.transactionalId);
    return (await this.#coordinated(to, ADD_PARTITIONS_TO_TXN, request, codesOf)).partitions;
  }

  addOffsetsToTxn(txn: TxnIdentity, groupId: string): Promise<{ readonly errorCode: number }> {
    return this.#coordinated(transaction(txn.transactionalId), ADD_OFFSETS_TO_TXN, { txn, groupId }, codeOf);
  }

  async txnOffsetCommit(
    txn: TxnIdentity,
    group: GroupIdentity,
    offsets: readonly TxnOffset[],
  ): Promise<readonly PartitionError[]> {
    const request = { txn, group, offsets };
    return (await this.#coordinated(ofGroup(group.groupId), TXN_OFFSET_COMMIT, request, codesOf)).partitions;
  }

  endTxn(txn: TxnIdentity, committed: boolean): Promise<EndTxnResponse> {
    return this.#coordinated(transaction(txn.transactionalId), END_TXN, { txn, committed }, codeOf);
  }

  async offsetCommit(
    group: GroupIdentity,
    offsets: readonly TxnOffset[],
  ): Promise<readonly PartitionError[]> {
    const request = { group, offsets };
    return (await this.#coordinated(ofGroup(group.groupId), OFFSET_COMMIT, request, codesOf)).partitions;
  }

  offsetFetch(groupId: string, partitions: readonly TopicPartition[] | null, requireStable: boolean) {
    return this.#coordinated(ofGroup(groupId), OFFSET_FETCH, { groupId, partitions, requireStable }, codeOf);
  }

  deleteOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
  ): Promise<{ readonly errorCode: number }> {
    return this.#coordinated(ofGroup(groupId), OFFSET_DELETE, { groupId, partitions }, codeOf);
  }

  joinGroup(request: JoinGroupRequest): Promise<JoinGroupResponse> {
    const { groupId, rebalanceTimeoutMs } = request;
    this.#rebalanceTimeouts.set(groupId, rebalanceTimeoutMs);
    const timeoutMs = this.#answerTimeout(rebalanceTimeoutMs);
    return this.#coordinated({ ...ofGroup(groupId), kind: 'group', timeoutMs }, JOIN_GROUP, request, codeOf);
  }

  syncGroup(request: SyncGroupRequest): Promise<SyncGroupResponse> {
    const { groupId } = request;
    const timeoutMs = this.#answerTimeout(this.#rebalanceTimeouts.get(groupId) ?? 0);
    return this.#coordinated({ ...ofGroup(groupId), kind: 'group', timeoutMs }, SYNC_GROUP, request, codeOf);
  }

  heartbeat(group: GroupIdentity): Promise<{ readonly errorCode: number }> {
    return this.#coordinated({ ...ofGroup(group.groupId), kind: 'heartbeat' }, HEARTBEAT, group, codeOf);
  }

  leaveGroup(
    groupId: string,
    members: readonly { readonly memberId: string; readonly groupInstanceId: string | null }[],
  ): Promise<{ readonly errorCode: number }> {
    return this.#coordinated(ofGroup(groupId), LEAVE_GROUP, { groupId, members }, codeOf);
  }

  describeGroup(groupId: string): Promise<GroupDescription> {
    return this.#coordinated(ofGroup(groupId), DESCRIBE_GROUPS, { groupId }, codeOf);
  }

  deleteGroup(groupId: string): Promise<{ readonly errorCode: number }> {
    return this.#coordinated(ofGroup(groupId), DELETE_GROUPS, { groupId }, codeOf);
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll(new Error('the Kafka client is closed'));
    return this.#closing;
  }

  async #closeAll(reason: Error): Promise<void> {
    const lanes = this.#lanes.close(reason);
    await this.#connector.close(reason);
    await lanes;
  }

  async #coordinated<Q, A extends Throttled>(
    to: Coordinated,
    api: KafkaApi<Q, A>,
    request: Q,
    errorCodes: (answer: A) => readonly number[],
  ): Promise<A> {
    const { type, key, kind = 'control', timeoutMs = this.#requestTimeoutMs } = to;
    const nodeId = await this.#coordinators.nodeOf(type, key);
    try {
      const answer = await this.#lanes.lane(nodeId, kind).send(api, request, timeoutMs);
      this.#coordinators.heed(type, key, errorCodes(answer));
      return answer;
    } catch (error) {
      this.#coordinators.forget(type, key);
      throw error;
    }
  }

  #control<Q, A extends Throttled>(nodeId: number, api: KafkaApi<Q, A>, request: Q): Promise<A> {
    return this.#lanes.lane(nodeId, 'control').send(api, request, this.#requestTimeoutMs);
  }

  #administer<Q extends { readonly timeoutMs: number }, A extends Throttled>(
    nodeId: number,
    api: KafkaApi<Q, A>,
    request: Q,
  ): Promise<A> {
    return this.#lanes.lane(nodeId, 'admin').send(api, request, this.#answerTimeout(request.timeoutMs));
  }

  #answerTimeout(brokerWaitMs: number): number {
    return Math.max(this.#requestTimeoutMs, brokerWaitMs + ANSWER_MARGIN_MS);
  }

  #laneToNode(nodeId: number): LaneOptions {
    return {
      ...{ clientId: this.#clientId, platform: this.#platform, name: `node ${nodeId}` },
      connect: async (onFailure) => {
        const address = await this.#cluster.addressOf(nodeId);
        return this.#connector.connect(address, onFailure);
      },
    };
  }

  #laneToSeed(address: BrokerAddress): LaneOptions {
    return {
      ...{ clientId: this.#clientId, platform: this.#platform, name: `${address.host}:${address.port}` },
      connect: (onFailure) => this.#connector.connect(address, onFailure),
    };
  }
}

function transaction(transactionalId: string): Coordinated {
  return { type: 'transaction', key: transactionalId };
}

function ofGroup(groupId: string): Coordinated {
  return { type: 'group', key: groupId };
}

function codeOf({ errorCode }: { readonly errorCode: number }): readonly number[] {
  return [errorCode];
}

function codesOf({ partitions }: { readonly partitions: readonly PartitionError[] }): readonly number[] {
  return partitions.map(({ errorCode }) => errorCode);
}

/** With acks 0 the broker says nothing. */
function unacknowledged({ partitions }: ProduceRequest): ProduceResponse {
  const nothingKnown = { errorCode: 0, baseOffset: -1n, logAppendTime: -1n, logStartOffset: -1n };
  return {
    throttleMs: 0,
    partitions: partitions.map(({ topic, partition }) => ({ topic, partition, ...nothingKnown })),
  };
}
