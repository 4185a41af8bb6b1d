import {
  tpKey,
  type EndTxnResponse,
  type InitProducerIdRequest,
  type InitProducerIdResponse,
  type PartitionError,
  type ProducerIdentity,
  type TopicPartition,
  type TxnIdentity,
} from '../port';
import { KafkaError } from '../protocol/errors';
import { OFFSETS_TOPIC, TRANSACTIONS_TOPIC, type ClusterState } from './cluster-state';
import { CoordinatorHome } from './coordinator-home';
import { decideEnd, decideInit, fencedRecord } from './transaction-decisions';
import type { MarkerWriter } from './marker-writer';
import {
  identityAfter,
  isPrepared,
  moved,
  NO_EPOCH,
  type TxnEntry,
  type TxnRecord,
} from './transaction-state';

/** One append to `__transaction_state`, acknowledged by its in-sync replicas. */
const WRITE_MS = { min: 0.1, max: 2 };

/**
 * The transaction coordinators of all brokers. Every change of a transaction is written to its partition of
 * `__transaction_state` first; while that is under way everybody else is told CONCURRENT_TRANSACTIONS. When the leader
 * of that partition changes in the middle, chance decides whether the record had made it.
 */
export class TransactionCoordinator {
  readonly home: CoordinatorHome;
  private readonly state: ClusterState;
  private readonly markers: MarkerWriter;
  private readonly offsetsIndex: (groupId: string) => number;
  private readonly entries = new Map<string, TxnEntry>();
  private nextProducerId = 0n;

  constructor(state: ClusterState, markers: MarkerWriter, offsetsIndex: (groupId: string) => number) {
    this.state = state;
    this.markers = markers;
    this.offsetsIndex = offsetsIndex;
    this.home = new CoordinatorHome(state, TRANSACTIONS_TOPIC, (index) => this.load(index));
  }

  async initProducerId(nodeId: number, request: InitProducerIdRequest): Promise<InitProducerIdResponse> {
    const { transactionalId, transactionTimeoutMs, current } = request;
    if (transactionalId === null) return initialised(this.newProducerId(), 0);
    if (transactionalId === '') return notInitialised(KafkaError.INVALID_REQUEST);
    const refusal = this.home.refusal(transactionalId, nodeId);
    if (refusal !== 0) return notInitialised(refusal);
    if (transactionTimeoutMs <= 0 || transactionTimeoutMs > this.state.setting('transaction.max.timeout.ms'))
      return notInitialised(KafkaError.INVALID_TRANSACTION_TIMEOUT);
    const entry = this.find(transactionalId) ?? this.create(transactionalId, transactionTimeoutMs);
    const decision = decideInit(entry, current, transactionTimeoutMs, {
      now: this.now(),
      transactionVersion: this.state.transactionVersion,
      newProducerId: () => this.newProducerId(),
    });
    if (decision.kind === 'refuse') return notInitialised(decision.errorCode);
    if (decision.kind === 'fence') {
      void this.end(entry, decision.record);
      return notInitialised(KafkaError.CONCURRENT_TRANSACTIONS);
    }
    const written = await this.write(entry, decision.record);
    if (!written) return notInitialised(KafkaError.NOT_COORDINATOR);
    return initialised(decision.record.producerId, decision.record.epoch);
  }

  /** AddPartitionsToTxn: all or, when one of the partitions is not there, none. */
  async addPartitions(
    nodeId: number,
    txn: TxnIdentity,
    partitions: readonly TopicPartition[],
  ): Promise<PartitionError[]> {
    const isThere = ({ topic, partition }: TopicPartition): boolean =>
      this.state.partition(topic, partition) !== undefined;
    const answer = (codeOf: (tp: TopicPartition) => number): PartitionError[] =>
      partitions.map((tp) => ({ topic: tp.topic, partition: tp.partition, errorCode: codeOf(tp) }));
    if (!partitions.every(isThere)) {
      const { OPERATION_NOT_ATTEMPTED, UNKNOWN_TOPIC_OR_PARTITION } = KafkaError;
      return answer((tp) => (isThere(tp) ? OPERATION_NOT_ATTEMPTED : UNKNOWN_TOPIC_OR_PARTITION));
    }
    const keys = partitions.map(({ topic, partition }) => tpKey(topic, partition));
    const errorCode = await this.add(nodeId, txn, keys);
    return answer(() => errorCode);
  }

  addOffsets(nodeId: number, txn: TxnIdentity, groupId: string): Promise<number> {
    return this.add(nodeId, txn, [this.offsetsKey(groupId)]);
  }

  offsetsKey(groupId: string): string {
    return tpKey(OFFSETS_TOPIC, this.offsetsIndex(groupId));
  }

  /** What a leader asks before it appends for a producer that has no transaction open there (KIP-890). */
  verify(txn: TxnIdentity, key: string): number {
    const { transactionalId, producerId, producerEpoch } = txn;
    if (!this.home.serves(transactionalId)) return KafkaError.NOT_COORDINATOR;
    const entry = this.find(transactionalId);
    if (entry === undefined) return KafkaError.INVALID_PRODUCER_ID_MAPPING;
    const { record } = entry;
    if (record.producerId !== producerId) return KafkaError.INVALID_PRODUCER_ID_MAPPING;
    if (record.epoch !== producerEpoch) return KafkaError.PRODUCER_FENCED;
    if (isPrepared(record)) return KafkaError.CONCURRENT_TRANSACTIONS;
    return record.partitions.has(key) ? 0 : KafkaError.TRANSACTION_ABORTABLE;
  }

  /** Transaction version 2: the leader that is written to adds its partition itself. */
  addFor(txn: TxnIdentity, keys: readonly string[]): Promise<number> {
    const { leader } = this.home.partitionOf(txn.transactionalId);
    return this.add(leader, txn, keys);
  }

  async endTxn(nodeId: number, txn: TxnIdentity, committed: boolean): Promise<EndTxnResponse> {
    const refusal = this.home.refusal(txn.transactionalId, nodeId);
    if (refusal !== 0) return { errorCode: refusal };
    const entry = this.find(txn.transactionalId);
    if (entry === undefined) return { errorCode: KafkaError.INVALID_PRODUCER_ID_MAPPING };
    const version = txn.transactionVersion ?? 1;
    const decision = decideEnd(entry, txn, committed, version, {
      now: this.now(),
      newProducerId: () => this.newProducerId(),
    });
    if (decision.kind === 'refuse') return { errorCode: decision.errorCode };
    const withNext = (next: ProducerIdentity): EndTxnResponse =>
      version === 2 ? { errorCode: 0, next } : { errorCode: 0 };
    if (decision.kind === 'done') return withNext(identityAfter(entry.record));
    if (!(await this.end(entry, decision.record))) return { errorCode: KafkaError.NOT_COORDINATOR };
    return withNext(identityAfter(decision.record));
  }

  private async add(nodeId: number, txn: TxnIdentity, keys: readonly string[]): Promise<number> {
    const { transactionalId, producerId, producerEpoch } = txn;
    const refusal = this.home.refusal(transactionalId, nodeId);
    if (refusal !== 0) return refusal;
    const entry = this.find(transactionalId);
    if (entry === undefined || entry.record.producerId !== producerId)
      return KafkaError.INVALID_PRODUCER_ID_MAPPING;
    const { record } = entry;
    if (record.epoch !== producerEpoch) return KafkaError.PRODUCER_FENCED;
    if (entry.pending !== null || isPrepared(record)) return KafkaError.CONCURRENT_TRANSACTIONS;
    const ongoing = record.state === 'Ongoing';
    if (ongoing && keys.every((key) => record.partitions.has(key))) return 0;
    const partitions = new Set([...(ongoing ? record.partitions : []), ...keys]);
    const startedAt = ongoing ? record.startedAt : this.now();
    const next = moved(record, { state: 'Ongoing', partitions, startedAt, updatedAt: this.now() });
    if (!(await this.write(entry, next))) return KafkaError.NOT_COORDINATOR;
    if (!ongoing) this.watchTimeout(entry, next);
    return 0;
  }

  /** Writes the decision; once it is written the caller may be answered, and the markers follow. */
  private async end(entry: TxnEntry, record: TxnRecord): Promise<boolean> {
    const written = await this.write(entry, record);
    if (written) void this.complete(entry);
    return written;
  }

  private async complete(entry: TxnEntry): Promise<void> {
    const partition = this.home.partitionOf(entry.transactionalId);
    const coordinatorEpoch = partition.leaderEpoch;
    const { record } = entry;
    const marker = {
      producerId: record.producerId,
      producerEpoch: record.epoch,
      committed: record.state === 'PrepareCommit',
      coordinatorEpoch,
    };
    const isStale = (): boolean => partition.leaderEpoch !== coordinatorEpoch || entry.record !== record;
    if (!(await this.markers.writeAll(record.partitions, marker, isStale))) return;
    const { producerId, producerEpoch } = identityAfter(record);
    await this.write(
      entry,
      moved(record, {
        state: marker.committed ? 'CompleteCommit' : 'CompleteAbort',
        ...{ producerId, epoch: producerEpoch, nextProducerId: null },
        partitions: new Set(),
        updatedAt: this.now(),
      }),
    );
  }

  /** @returns false when the partition has another leader by then: it may have been written or not */
  private async write(entry: TxnEntry, record: TxnRecord): Promise<boolean> {
    const partition = this.home.partitionOf(entry.transactionalId);
    const epoch = partition.leaderEpoch;
    entry.pending = record;
    const { platform } = this.state;
    const { random } = platform;
    await platform.wait(random.between(WRITE_MS.min, WRITE_MS.max));
    if (partition.leaderEpoch !== epoch || !this.state.isAlive(partition.leader)) return false;
    entry.record = record;
    entry.pending = null;
    return true;
  }

  private load(index: number): void {
    for (const entry of this.entries.values()) {
      if (this.home.indexOf(entry.transactionalId) !== index) continue;
      if (entry.pending !== null && this.state.platform.random.chance(0.5)) entry.record = entry.pending;
      entry.pending = null;
      if (isPrepared(entry.record)) void this.complete(entry);
      else if (entry.record.state === 'Ongoing') this.watchTimeout(entry, entry.record);
    }
  }

  /** Kafka looks for expired transactions at intervals, not at their time. */
  private watchTimeout(entry: TxnEntry, started: TxnRecord): void {
    const interval = this.state.setting('transaction.abort.timed.out.transaction.cleanup.interval.ms');
    const now = this.state.platform.clock.monotonic();
    const due = now + started.timeoutMs - (this.now() - started.startedAt);
    const look = Math.ceil(Math.max(due, now) / interval) * interval;
    this.state.platform.after(Math.max(look - now, interval / 100), () => this.expire(entry, started));
  }

  private expire(entry: TxnEntry, started: TxnRecord): void {
    const { record } = entry;
    if (record.state !== 'Ongoing' || record.startedAt !== started.startedAt) return;
    if (!this.home.serves(entry.transactionalId)) return;
    if (entry.pending !== null || record.producerId !== started.producerId) {
      this.watchTimeout(entry, started);
      return;
    }
    void this.end(entry, this.fenced(record));
  }

  private fenced(record: TxnRecord): TxnRecord {
    return fencedRecord(record, this.state.transactionVersion, this.now());
  }

  private find(transactionalId: string): TxnEntry | undefined {
    const entry = this.entries.get(transactionalId);
    if (entry === undefined) return undefined;
    const { state, updatedAt } = entry.record;
    const idle = this.now() - updatedAt > this.state.setting('transactional.id.expiration.ms');
    if (!idle || entry.pending !== null || state === 'Ongoing' || isPrepared(entry.record)) return entry;
    this.entries.delete(transactionalId);
    return undefined;
  }

  private create(transactionalId: string, timeoutMs: number): TxnEntry {
    const record: TxnRecord = {
      ...{ state: 'Empty', producerId: this.newProducerId(), epoch: NO_EPOCH, lastEpoch: NO_EPOCH },
      ...{ nextProducerId: null, timeoutMs, partitions: new Set(), startedAt: 0, updatedAt: this.now() },
    };
    const entry: TxnEntry = { transactionalId, record, pending: null };
    this.entries.set(transactionalId, entry);
    return entry;
  }

  private newProducerId(): bigint {
    return this.nextProducerId++;
  }

  private now(): number {
    return this.state.now();
  }
}

function initialised(producerId: bigint, producerEpoch: number): InitProducerIdResponse {
  return { errorCode: 0, producerId, producerEpoch };
}

function notInitialised(errorCode: number): InitProducerIdResponse {
  return { errorCode, producerId: -1n, producerEpoch: -1 };
}
