import type { ProducerIdentity } from '../port';
import { assert } from '../../util/asserts';

/**
 * ```
 *            AddPartitions            EndTxn                      all markers written
 *   Empty ----------------> Ongoing ---------> PrepareCommit ---------------------> CompleteCommit
 *     ^                      |  ^ ^             PrepareAbort  --------------------> CompleteAbort
 *     |      time-out, fence |  | +-- AddPartitions ---------------------------------+   |
 *     |                      +--|---> PrepareAbort                                       |
 *     +---------------------------- InitProducerId --------------------------------------+
 * ```
 * With transaction version 2, EndTxn(abort) also leads from Empty and the Complete states to PrepareAbort.
 */
type TxnStateName =
  'Empty' | 'Ongoing' | 'PrepareCommit' | 'PrepareAbort' | 'CompleteCommit' | 'CompleteAbort';

const NEXT: Readonly<Record<TxnStateName, readonly TxnStateName[]>> = {
  Empty: ['Empty', 'Ongoing', 'PrepareAbort'],
  Ongoing: ['Ongoing', 'PrepareCommit', 'PrepareAbort'],
  PrepareCommit: ['CompleteCommit'],
  PrepareAbort: ['CompleteAbort'],
  CompleteCommit: ['Empty', 'Ongoing', 'PrepareAbort'],
  CompleteAbort: ['Empty', 'Ongoing', 'PrepareAbort'],
};

export const NO_EPOCH = -1;
/** The last epoch that a producer may be given; the one above fences it. */
export const LAST_EPOCH = 32_766;

/** A record of `__transaction_state`. */
export interface TxnRecord {
  readonly state: TxnStateName;
  readonly producerId: bigint;
  readonly epoch: number;
  /** Epoch before the last bump, by which a repeated request is recognised (KIP-360); -1: none is. */
  readonly lastEpoch: number;
  /** Producer id that follows when the epochs of this one are used up. */
  readonly nextProducerId: bigint | null;
  readonly timeoutMs: number;
  /** `topic-partition` of what the transaction has touched. */
  readonly partitions: ReadonlySet<string>;
  readonly startedAt: number;
  readonly updatedAt: number;
}

/** What the coordinator has of one transactional id. */
export interface TxnEntry {
  readonly transactionalId: string;
  record: TxnRecord;
  /** On its way into the log: meanwhile everybody else is told CONCURRENT_TRANSACTIONS. */
  pending: TxnRecord | null;
}

export function isPrepared({ state }: TxnRecord): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort';
}

export function moved(record: TxnRecord, change: Partial<TxnRecord>): TxnRecord {
  const next = { ...record, ...change };
  assert(NEXT[record.state].includes(next.state), () => `transaction: ${record.state} to ${next.state}`);
  return next;
}

/** What identifies the producer behind the record, once its transaction is complete. */
export function identityAfter(record: TxnRecord): ProducerIdentity {
  return record.nextProducerId === null
    ? { producerId: record.producerId, producerEpoch: record.epoch }
    : { producerId: record.nextProducerId, producerEpoch: 0 };
}
