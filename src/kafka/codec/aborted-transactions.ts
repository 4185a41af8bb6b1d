export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

/** Key of a control record: int16 version, int16 type (Kafka documentation, "Control Batches"). */
const ABORT_MARKER = 0;
const MARKER_KEY_SIZE = 4;

/**
 * Which producers have an aborted transaction open at the position that a fetch is read at (KIP-98): a producer
 * enters when a batch reaches the first offset of one of its aborted transactions, and leaves at its abort marker.
 * Batches must be shown in offset order.
 */
export class AbortedTransactions {
  /** By first offset: brokers send them in no particular order. */
  private readonly upcoming: readonly AbortedTransaction[];
  private reached = 0;
  private readonly open = new Set<bigint>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.upcoming = [...aborted].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  }

  /** Every transaction that begins at or before `lastOffset`, a batch's last, is open from here on. */
  advanceTo(lastOffset: number): void {
    for (let next = this.upcoming[this.reached]; next !== undefined; next = this.upcoming[this.reached]) {
      if (next.firstOffset > lastOffset) return;
      this.open.add(next.producerId);
      this.reached++;
    }
  }

  isOpen(producerId: bigint): boolean {
    return this.open.has(producerId);
  }

  /** A marker ended the producer's transaction. */
  close(producerId: bigint): void {
    this.open.delete(producerId);
  }
}

/** Whether the key of a control batch's record, `buffer[start, end)`, says ABORT. The caller knows that it is one. */
export function isAbortMarker(buffer: Buffer, start: number, end: number): boolean {
  return end - start >= MARKER_KEY_SIZE && buffer.readInt16BE(start + 2) === ABORT_MARKER;
}
