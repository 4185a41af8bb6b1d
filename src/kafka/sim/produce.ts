import { crc32c } from '../../util/crc32c';
import { LAYOUT, readBatchHeader, type BatchHeader } from '../codec/batch-header';
import {
  tpKey,
  type ProducedPartition,
  type ProducePartition,
  type ProduceRequest,
  type ProduceResponse,
  type TxnIdentity,
} from '../port';
import { KafkaError } from '../protocol/errors';
import type { ClusterState } from './cluster-state';
import { verificationError } from './marker-writer';
import type { Partition } from './partition';
import { recordsOf } from './record-rewrite';
import type { TransactionCoordinator } from './transaction-coordinator';

/** Version 2: how long a leader asks again while the last transaction's markers are being written. */
const ADD_RETRY_MS = { pause: 20, limit: 100 };

/** Produce: checks, verification of the transaction (KIP-890), append, and the wait for the in-sync replicas. */
export class Produce {
  private readonly state: ClusterState;
  private readonly transactions: TransactionCoordinator;

  constructor(state: ClusterState, transactions: TransactionCoordinator) {
    this.state = state;
    this.transactions = transactions;
  }

  async handle(nodeId: number, request: ProduceRequest): Promise<ProduceResponse> {
    const { partitions, acks } = request;
    const { incarnation } = this.state.node(nodeId);
    const headers = new Map(partitions.map((item) => [item, headerOf(item.batch)]));
    const refused = await this.unverified(nodeId, request, headers);
    const died = this.state.node(nodeId).incarnation !== incarnation;
    const answers = partitions.map((item) => {
      if (acks !== -1 && acks !== 0 && acks !== 1)
        return Promise.resolve(failed(item, KafkaError.INVALID_REQUIRED_ACKS));
      const errorCode = died ? KafkaError.NOT_LEADER_OR_FOLLOWER : (refused.get(keyOf(item)) ?? 0);
      if (errorCode !== 0) return Promise.resolve(failed(item, errorCode));
      return this.appendAndWait(nodeId, request, item, headers.get(item) ?? null);
    });
    return { throttleMs: 0, partitions: await Promise.all(answers) };
  }

  /** By `topic-partition`, why a batch must not be appended. */
  private async unverified(
    nodeId: number,
    request: ProduceRequest,
    headers: ReadonlyMap<ProducePartition, BatchHeader | null>,
  ): Promise<Map<string, number>> {
    const refused = new Map<string, number>();
    const toVerify: TxnIdentity[] = [];
    const keys: string[] = [];
    for (const [item, header] of headers) {
      if (header === null || !header.transactional) continue;
      if (request.transactionalId === null) {
        refused.set(keyOf(item), KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
        continue;
      }
      const partition = this.state.partition(item.topic, item.partition);
      if (partition === undefined || !partition.isLedBy(nodeId)) continue;
      const { producerId, producerEpoch } = header;
      // The hole of version 1: whoever has a transaction open here is not asked which one he means.
      if (partition.log.producers.hasOpenTransaction(producerId, producerEpoch)) continue;
      // Version 2: each transaction has an epoch of its own, so that its first sequence is 0.
      const baseSequence = request.transactionVersion === 2 ? 0 : header.baseSequence;
      partition.log.producers.expect({ ...header, baseSequence });
      toVerify.push({ transactionalId: request.transactionalId, producerId, producerEpoch });
      keys.push(keyOf(item));
    }
    const [txn] = toVerify;
    if (txn === undefined) return refused;
    if (request.transactionVersion === 2) {
      const errorCode = await addWithRetries(this.state, this.transactions, txn, keys);
      const busy = errorCode === KafkaError.CONCURRENT_TRANSACTIONS;
      const shown = busy ? errorCode : verificationError(errorCode);
      if (shown !== 0) for (const key of keys) refused.set(key, shown);
      return refused;
    }
    await this.state.hop();
    for (const [i, key] of keys.entries()) {
      const errorCode = verificationError(this.transactions.verify(toVerify[i] ?? txn, key));
      if (errorCode !== 0) refused.set(key, errorCode);
    }
    await this.state.hop();
    return refused;
  }

  private async appendAndWait(
    nodeId: number,
    { acks, timeoutMs }: ProduceRequest,
    item: ProducePartition,
    header: BatchHeader | null,
  ): Promise<ProducedPartition> {
    const partition = this.state.partition(item.topic, item.partition);
    if (partition === undefined) return failed(item, KafkaError.UNKNOWN_TOPIC_OR_PARTITION);
    if (!partition.isLedBy(nodeId)) return failed(item, KafkaError.NOT_LEADER_OR_FOLLOWER);
    const problem =
      header === null ? KafkaError.CORRUPT_MESSAGE : this.batchProblem(partition, item.batch, header);
    if (header === null || problem !== 0) return failed(item, problem);
    if (acks === -1 && partition.isr.length < partition.config.minInsyncReplicas)
      return failed(item, KafkaError.NOT_ENOUGH_REPLICAS);
    const verdict = partition.log.producers.check(header);
    if (verdict.kind === 'refused') return failed(item, verdict.errorCode);
    const at =
      verdict.kind === 'duplicate'
        ? { baseOffset: verdict.baseOffset, appendTime: verdict.timestamp }
        : appended(partition, item.batch);
    const answer: ProducedPartition = {
      ...{ topic: item.topic, partition: item.partition, errorCode: 0 },
      baseOffset: BigInt(at.baseOffset),
      logAppendTime: BigInt(partition.config.logAppendTime ? at.appendTime : -1),
      logStartOffset: BigInt(partition.log.startOffset),
    };
    if (acks !== -1) return answer;
    const end = at.baseOffset + (header.lastOffset - header.baseOffset) + 1;
    const how = await partition.replicated(end, this.state.after(timeoutMs));
    if (how === 'leader-moved') return failed(item, KafkaError.NOT_LEADER_OR_FOLLOWER);
    return how === 'timed-out' ? failed(item, KafkaError.REQUEST_TIMED_OUT) : answer;
  }

  private batchProblem({ config }: Partition, batch: Buffer, header: BatchHeader): number {
    if (crc32c(batch, LAYOUT.ATTRIBUTES, batch.length) !== header.crc) return KafkaError.CORRUPT_MESSAGE;
    if (batch.length > config.maxMessageBytes) return KafkaError.MESSAGE_TOO_LARGE;
    if (header.control || header.recordCount < 1) return KafkaError.INVALID_RECORD;
    if (header.lastOffset - header.baseOffset !== header.recordCount - 1) return KafkaError.INVALID_RECORD;
    const records = parsed(batch);
    if (records === null) return KafkaError.CORRUPT_MESSAGE;
    if (config.compacted && records.some(({ key }) => key === null)) return KafkaError.INVALID_RECORD;
    if (config.logAppendTime) return 0;
    const oldest = this.state.now() - config.timestampBeforeMaxMs;
    const newest = this.state.now() + config.timestampAfterMaxMs;
    const isOff = (timestamp: number): boolean =>
      timestamp !== -1 && (timestamp < oldest || timestamp > newest);
    return records.some(({ timestamp }) => isOff(timestamp)) ? KafkaError.INVALID_TIMESTAMP : 0;
  }
}

/** Asks the coordinator to add partitions, again and again while it is busy with the last transaction (KIP-890). */
export async function addWithRetries(
  { platform }: ClusterState,
  transactions: TransactionCoordinator,
  txn: TxnIdentity,
  keys: readonly string[],
): Promise<number> {
  for (let waited = 0; ; waited += ADD_RETRY_MS.pause) {
    const errorCode = await transactions.addFor(txn, keys);
    if (errorCode !== KafkaError.CONCURRENT_TRANSACTIONS || waited >= ADD_RETRY_MS.limit) return errorCode;
    await platform.wait(ADD_RETRY_MS.pause);
  }
}

function appended(partition: Partition, batch: Buffer): { baseOffset: number; appendTime: number } {
  const { header } = partition.append(batch);
  return { baseOffset: header.baseOffset, appendTime: header.maxTimestamp };
}

function headerOf(batch: Buffer): BatchHeader | null {
  try {
    return readBatchHeader(batch, 0, batch.length);
  } catch {
    return null;
  }
}

function parsed(batch: Buffer): ReturnType<typeof recordsOf> | null {
  try {
    return recordsOf(batch);
  } catch {
    return null;
  }
}

function keyOf({ topic, partition }: ProducePartition): string {
  return tpKey(topic, partition);
}

function failed({ topic, partition }: ProducePartition, errorCode: number): ProducedPartition {
  return { topic, partition, errorCode, baseOffset: -1n, logAppendTime: -1n, logStartOffset: -1n };
}
