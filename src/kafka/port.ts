/**
 * KafkaPort: all that the layers above know of Kafka. One method is one request to one broker, nothing is retried
 * and nothing is cached here except connections and coordinator addresses, so that every rule of PROTOCOL.md can be
 * seen, delayed and broken from outside. Two implementations: `transport/` (real brokers) and SimKafka.
 *
 * Failure of a method: it rejects with a {@link KafkaRequestError}. An error code inside an answer that belongs to
 * one topic, partition or group is returned as data (`errorCode`, 0 = none), never thrown.
 */

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** `topic-partition`, as Kafka prints it; unique, because the partition follows the last dash. */
export function tpKey(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

/**
 * A request that brought no usable answer.
 * - `definite` true: the request was certainly not applied (never sent, refused before processing).
 * - `definite` false: it may or may not have been applied (time-out, connection lost after sending).
 */
export class KafkaRequestError extends Error {
  override readonly name = 'KafkaRequestError';
  readonly api: string;
  readonly definite: boolean;
  constructor(api: string, message: string, definite: boolean, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.api = api;
    this.definite = definite;
  }
}

export interface PartitionMetadata {
  readonly partition: number;
  readonly errorCode: number;
  /** Node id of the leader, -1 when there is none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}
export interface TopicMetadata {
  readonly topic: string;
  /** UUID as Kafka prints it (base64url of 16 bytes). */
  readonly topicId: string;
  readonly errorCode: number;
  readonly isInternal: boolean;
  readonly partitions: readonly PartitionMetadata[];
}
export interface ClusterMetadata {
  readonly clusterId: string;
  readonly controllerId: number;
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[];
  readonly topics: readonly TopicMetadata[];
}

export interface NewTopic {
  readonly topic: string;
  readonly partitions: number;
  /** -1: the broker's default. */
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}
export interface TopicResult {
  readonly topic: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}
export interface ConfigResource {
  readonly type: 'topic' | 'broker';
  readonly name: string;
}
export interface ConfigResult extends ConfigResource {
  readonly errorCode: number;
  readonly configs: ReadonlyMap<string, string | null>;
}

export type Isolation = 'read_uncommitted' | 'read_committed';
/** Special timestamps of ListOffsets. */
export const EARLIEST = -2n;
export const LATEST = -1n;
export interface OffsetQuery extends TopicPartition {
  /** Milliseconds since 1970, or EARLIEST or LATEST. */
  readonly timestamp: bigint;
}
export interface OffsetAnswer extends TopicPartition {
  readonly errorCode: number;
  readonly offset: bigint;
  readonly timestamp: bigint;
  readonly leaderEpoch: number;
}

export interface FetchPartition extends TopicPartition {
  readonly fetchOffset: bigint;
  readonly currentLeaderEpoch: number;
  readonly maxBytes: number;
}
export interface FetchRequest {
  readonly isolation: Isolation;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly partitions: readonly FetchPartition[];
}
export interface FetchedPartition extends TopicPartition {
  readonly errorCode: number;
  readonly highWatermark: bigint;
  readonly lastStableOffset: bigint;
  readonly logStartOffset: bigint;
  /** As the broker sent it: not sorted. Null when read_uncommitted. */
  readonly abortedTransactions:
    readonly { readonly producerId: bigint; readonly firstOffset: bigint }[] | null;
  /** Whole and possibly one last partial record batch; a view of the answer's buffer. Null when empty. */
  readonly records: Buffer | null;
}
export interface FetchResponse {
  readonly throttleMs: number;
  readonly errorCode: number;
  readonly partitions: readonly FetchedPartition[];
}

export interface ProducePartition extends TopicPartition {
  /** Exactly one encoded RecordBatch v2. */
  readonly batch: Buffer;
}
/** The transaction protocol of a producer: 1, or 2 (KIP-890). One producer never mixes them (PROTOCOL A1). */
export type TransactionVersion = 1 | 2;

export interface ProduceRequest {
  readonly transactionalId: string | null;
  /** With 2 the broker itself adds the partitions to the open transaction. Default 1. */
  readonly transactionVersion?: TransactionVersion;
  /** -1 (all) or 1 or 0. */
  readonly acks: -1 | 0 | 1;
  readonly timeoutMs: number;
  readonly partitions: readonly ProducePartition[];
}
export interface ProducedPartition extends TopicPartition {
  readonly errorCode: number;
  readonly baseOffset: bigint;
  readonly logAppendTime: bigint;
  readonly logStartOffset: bigint;
}
export interface ProduceResponse {
  readonly throttleMs: number;
  readonly partitions: readonly ProducedPartition[];
}

export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}
export interface InitProducerIdRequest {
  /** Null for a producer that is only idempotent. */
  readonly transactionalId: string | null;
  readonly transactionTimeoutMs: number;
  /** The caller's own identity (KIP-360): version 3 and later; null for "whoever it was, fence him". */
  readonly current: ProducerIdentity | null;
}
export interface InitProducerIdResponse extends ProducerIdentity {
  readonly errorCode: number;
}
export interface PartitionError extends TopicPartition {
  readonly errorCode: number;
}
export interface TxnOffset extends TopicPartition {
  readonly offset: bigint;
  readonly leaderEpoch: number;
  readonly metadata: string | null;
}
export interface GroupIdentity {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}
export interface TxnIdentity extends ProducerIdentity {
  readonly transactionalId: string;
  /** Default 1. */
  readonly transactionVersion?: TransactionVersion;
}
export interface EndTxnResponse {
  readonly errorCode: number;
  /** Transaction version 2: the identity of the next transaction; its epoch rises with every EndTxn. */
  readonly next?: ProducerIdentity;
}

export interface JoinGroupRequest {
  readonly groupId: string;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocols: readonly { readonly name: string; readonly metadata: Buffer }[];
  readonly reason: string | null;
}
export interface JoinGroupResponse {
  readonly errorCode: number;
  readonly generationId: number;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly memberId: string;
  /** JoinGroup v9: the member is leader, but the assignment of the previous generation stands (KIP-814). */
  readonly skipAssignment: boolean;
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly metadata: Buffer;
  }[];
}
export interface SyncGroupRequest extends GroupIdentity {
  readonly protocolName: string;
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[];
}
export interface SyncGroupResponse {
  readonly errorCode: number;
  readonly assignment: Buffer;
}
export interface CommittedOffset extends TopicPartition {
  readonly errorCode: number;
  /** -1 when nothing is committed. */
  readonly offset: bigint;
  readonly metadata: string | null;
}
export interface GroupDescription {
  readonly groupId: string;
  readonly errorCode: number;
  readonly state: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly clientId: string;
    readonly clientHost: string;
    readonly assignment: Buffer;
  }[];
}

export interface KafkaPort {
  /**
   * What the cluster's producers may use now: 2 when its finalized feature `transaction.version` is 2 or more. Asked
   * anew by every call: a running cluster can be upgraded, and downgraded.
   */
  transactionVersion(): Promise<TransactionVersion>;
  /** `topics` null: all topics; empty: brokers only. */
  metadata(topics: readonly string[] | null): Promise<ClusterMetadata>;
  createTopics(
    topics: readonly NewTopic[],
    options?: { validateOnly?: boolean },
  ): Promise<readonly TopicResult[]>;
  deleteTopics(topics: readonly string[]): Promise<readonly TopicResult[]>;
  deleteRecords(
    offsets: readonly (TopicPartition & { offset: bigint })[],
    nodeId: number,
  ): Promise<readonly PartitionError[]>;
  describeConfigs(resources: readonly ConfigResource[]): Promise<readonly ConfigResult[]>;
  /** All partitions of one call must be led by `nodeId`. */
  listOffsets(
    nodeId: number,
    isolation: Isolation,
    queries: readonly OffsetQuery[],
  ): Promise<readonly OffsetAnswer[]>;

  /** All partitions of one call must be led by `nodeId`. Each (nodeId) has a connection of its own for fetches. */
  fetch(nodeId: number, request: FetchRequest): Promise<FetchResponse>;
  /** All partitions of one call must be led by `nodeId`. Calls to one node are sent in call order on one connection. */
  produce(nodeId: number, request: ProduceRequest): Promise<ProduceResponse>;

  initProducerId(request: InitProducerIdRequest): Promise<InitProducerIdResponse>;
  /** At most version 3 (v4 needs cluster rights). */
  addPartitionsToTxn(
    txn: TxnIdentity,
    partitions: readonly TopicPartition[],
  ): Promise<readonly PartitionError[]>;
  addOffsetsToTxn(txn: TxnIdentity, groupId: string): Promise<{ readonly errorCode: number }>;
  txnOffsetCommit(
    txn: TxnIdentity,
    group: GroupIdentity,
    offsets: readonly TxnOffset[],
  ): Promise<readonly PartitionError[]>;
  endTxn(txn: TxnIdentity, committed: boolean): Promise<EndTxnResponse>;

  offsetCommit(group: GroupIdentity, offsets: readonly TxnOffset[]): Promise<readonly PartitionError[]>;
  /** `partitions` null: all of the group. `requireStable`: error 88 while a transaction with offsets is open. */
  offsetFetch(
    groupId: string,
    partitions: readonly TopicPartition[] | null,
    requireStable: boolean,
  ): Promise<{ readonly errorCode: number; readonly offsets: readonly CommittedOffset[] }>;
  deleteOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
  ): Promise<{ readonly errorCode: number }>;

  joinGroup(request: JoinGroupRequest): Promise<JoinGroupResponse>;
  syncGroup(request: SyncGroupRequest): Promise<SyncGroupResponse>;
  heartbeat(group: GroupIdentity): Promise<{ readonly errorCode: number }>;
  leaveGroup(
    groupId: string,
    members: readonly { readonly memberId: string; readonly groupInstanceId: string | null }[],
  ): Promise<{ readonly errorCode: number }>;
  describeGroup(groupId: string): Promise<GroupDescription>;
  deleteGroup(groupId: string): Promise<{ readonly errorCode: number }>;

  /** Ends all connections; requests under way reject. Idempotent. */
  close(): Promise<void>;
}

/** A port to brokers that may be too old: one that has versions to agree on, unlike a model of Kafka. */
export interface NegotiatingPort extends KafkaPort {
  /** What this program speaks and the broker does not, in words: one for each API. */
  missingApis(nodeId: number): Promise<readonly string[]>;
}

export function isNegotiating(port: KafkaPort): port is NegotiatingPort {
  return 'missingApis' in port;
}
