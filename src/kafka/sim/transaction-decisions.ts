import type { ProducerIdentity, TransactionVersion } from '../port';
import { unreachable } from '../../util/asserts';
import { KafkaError } from '../protocol/errors';
import { isPrepared, LAST_EPOCH, moved, NO_EPOCH, type TxnEntry, type TxnRecord } from './transaction-state';

interface Refusal {
  readonly kind: 'refuse';
  readonly errorCode: number;
}
/** What InitProducerId comes to. `fence`: an open transaction is aborted first, and the caller asks again. */
export type InitDecision = Refusal | { readonly kind: 'write' | 'fence'; readonly record: TxnRecord };
/** What EndTxn comes to. `done`: it has been done before. */
export type EndDecision =
  Refusal | { readonly kind: 'done' } | { readonly kind: 'end'; readonly record: TxnRecord };

interface Circumstances {
  readonly now: number;
  readonly newProducerId: () => bigint;
}

/** As Kafka's TransactionCoordinator.prepareInitProducerIdTransit (KIP-98, KIP-360). */
export function decideInit(
  { record, pending }: TxnEntry,
  current: ProducerIdentity | null,
  timeoutMs: number,
  circumstances: Circumstances & { readonly transactionVersion: TransactionVersion },
): InitDecision {
  const { now, transactionVersion } = circumstances;
  if (pending !== null) return refuse(KafkaError.CONCURRENT_TRANSACTIONS);
  if (current !== null && record.epoch !== NO_EPOCH && current.producerId !== record.producerId)
    return refuse(KafkaError.PRODUCER_FENCED);
  switch (record.state) {
    case 'PrepareCommit':
    case 'PrepareAbort':
      return refuse(KafkaError.CONCURRENT_TRANSACTIONS);
    case 'Ongoing':
      // The epoch is not looked at: also a fenced owner's request aborts the transaction of its heir.
      return { kind: 'fence', record: fencedRecord(record, transactionVersion, now) };
    case 'Empty':
    case 'CompleteCommit':
    case 'CompleteAbort':
      return bumped(record, current?.producerEpoch ?? null, timeoutMs, circumstances);
    default:
      return unreachable(record.state);
  }
}

function bumped(
  record: TxnRecord,
  expected: number | null,
  timeoutMs: number,
  { now, newProducerId }: Circumstances,
): InitDecision {
  const next = { state: 'Empty', timeoutMs, partitions: new Set<string>(), updatedAt: now } as const;
  const write = (change: Partial<TxnRecord>): InitDecision => ({
    kind: 'write',
    record: moved(record, { ...next, ...change }),
  });
  if (record.epoch >= LAST_EPOCH && (expected === null || expected === record.epoch))
    return write({ producerId: newProducerId(), epoch: 0, lastEpoch: NO_EPOCH });
  if (expected === null) return write({ epoch: record.epoch + 1, lastEpoch: NO_EPOCH });
  if (record.epoch === NO_EPOCH || expected === record.epoch)
    return write({ epoch: record.epoch + 1, lastEpoch: record.epoch });
  // A repeated request, the answer to which was lost: nothing is bumped again.
  return expected === record.lastEpoch ? write({}) : refuse(KafkaError.PRODUCER_FENCED);
}

/**
 * The open transaction is aborted under an epoch that its owner does not have. Kafka 4.x remembers the owner's epoch,
 * so that he gets in again with his identity; Kafka 3.9 does not, and answers him PRODUCER_FENCED.
 */
export function fencedRecord(record: TxnRecord, version: TransactionVersion, now: number): TxnRecord {
  return moved(record, {
    state: 'PrepareAbort',
    epoch: record.epoch + 1,
    lastEpoch: version === 2 ? record.epoch : NO_EPOCH,
    updatedAt: now,
  });
}

/** As Kafka's TransactionCoordinator.endTransaction: the version is that of the request (KIP-890). */
export function decideEnd(
  entry: TxnEntry,
  identity: ProducerIdentity,
  committed: boolean,
  version: TransactionVersion,
  circumstances: Circumstances,
): EndDecision {
  return version === 2
    ? decideEndOfVersion2(entry, identity, committed, circumstances)
    : decideEndOfVersion1(entry, identity, committed, circumstances.now);
}

function decideEndOfVersion1(
  { record, pending }: TxnEntry,
  { producerId, producerEpoch }: ProducerIdentity,
  committed: boolean,
  now: number,
): EndDecision {
  if (record.producerId !== producerId) return refuse(KafkaError.INVALID_PRODUCER_ID_MAPPING);
  if (record.epoch !== producerEpoch) return refuse(KafkaError.PRODUCER_FENCED);
  if (pending !== null || isPrepared(record)) return refuse(KafkaError.CONCURRENT_TRANSACTIONS);
  if (record.state === 'Ongoing') return { kind: 'end', record: prepared(record, committed, now) };
  return repeated(record, committed);
}

/** The same decision again: it has been done. Another one, or none before: refused. */
function repeated({ state }: TxnRecord, committed: boolean): EndDecision {
  const complete = committed ? 'CompleteCommit' : 'CompleteAbort';
  return state === complete ? { kind: 'done' } : refuse(KafkaError.INVALID_TXN_STATE);
}

function decideEndOfVersion2(
  { record, pending }: TxnEntry,
  { producerId, producerEpoch }: ProducerIdentity,
  committed: boolean,
  { now, newProducerId }: Circumstances,
): EndDecision {
  // Until the last marker is written Kafka counts the transaction as on its way, and looks no further.
  if (pending !== null || isPrepared(record)) return refuse(KafkaError.CONCURRENT_TRANSACTIONS);
  if (record.producerId !== producerId) return refuse(KafkaError.INVALID_PRODUCER_ID_MAPPING);
  const isRetry = record.epoch === producerEpoch + 1;
  const isCurrent = record.epoch === producerEpoch;
  const isComplete = record.state === 'CompleteCommit' || record.state === 'CompleteAbort';
  if (!isCurrent && !(isComplete && isRetry)) return refuse(KafkaError.PRODUCER_FENCED);
  if (isRetry) return repeated(record, committed);
  // An abort of nothing is allowed: the producer may not know whether its first Produce arrived.
  if (record.state !== 'Ongoing' && committed) return refuse(KafkaError.INVALID_TXN_STATE);
  const exhausted = record.epoch >= LAST_EPOCH;
  const bump = { epoch: record.epoch + 1, lastEpoch: record.epoch };
  const nextProducerId = exhausted ? newProducerId() : null;
  return { kind: 'end', record: { ...prepared(record, committed, now), ...bump, nextProducerId } };
}

function prepared(record: TxnRecord, committed: boolean, now: number): TxnRecord {
  return moved(record, { state: committed ? 'PrepareCommit' : 'PrepareAbort', updatedAt: now });
}

function refuse(errorCode: number): Refusal {
  return { kind: 'refuse', errorCode };
}
