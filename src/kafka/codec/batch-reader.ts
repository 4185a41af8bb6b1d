import type { TidemarkError } from '../../errors';
import type { RecordHeader } from '../../serde/record-header';
import { AbortedTransactions, isAbortMarker, type AbortedTransaction } from './aborted-transactions';
import { LAYOUT, batchEnd, damagedBatch, readBatchHeader, type BatchHeader } from './batch-header';
import { DEFAULT_MAX_DECOMPRESSED_BYTES, decompress } from './compression';
import { crc32c } from '../../util/crc32c';
import { readHeaders } from './record-headers';
import { VarintReader } from './varint';

const EMPTY = Buffer.alloc(0);

export interface RecordCursorOptions {
  /** What is being read (`topic-partition`), for error messages. */
  readonly source?: string;
  /** A batch that holds more is refused as damaged. Default 128 MiB. */
  readonly maxDecompressedBytes?: number;
}

export interface FetchedRecords {
  /** The offset that was asked for: smaller ones, which a batch may begin with, are passed over. */
  readonly fetchOffset: number;
  /** As the broker sent them, in any order: read_committed. Null: read_uncommitted. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  /** Default true. */
  readonly verifyCrc?: boolean;
}

/**
 * Reads the records of a fetched partition one by one, as the Java consumer would show them, without an allocation
 * per record: {@link next} moves, the fields describe the record that it moved to. Control batches, records of
 * aborted transactions (read_committed) and offsets below the one asked for are passed over; a partial batch at the
 * end is left for the next fetch. `buffer` and the positions in it are valid until {@link load}; a view of `buffer`
 * keeps the whole fetch in memory.
 */
export class RecordCursor {
  offset = -1;
  /** Milliseconds: the producer's, or the broker's when the topic has LogAppendTime. */
  timestamp = -1;
  /** Holds the current record's key and value; another one for every compressed batch. */
  buffer: Buffer = EMPTY;
  /** -1 as start and end: null. */
  keyStart = -1;
  keyEnd = -1;
  valueStart = -1;
  valueEnd = -1;
  /** Of the current record's batch. -1n: no producer. */
  producerId = -1n;
  isTransactional = false;
  batchLeaderEpoch = -1;
  /** Where to go on: behind the current record, or, once {@link next} has said false, where to fetch from. */
  nextOffset = 0;
  /** The fetch holds not one whole batch although it holds something: its size limits are too small. */
  needsLargerFetch = false;

  private readonly source: string;
  private readonly maxDecompressedBytes: number;
  private readonly reader = new VarintReader(EMPTY);
  private readonly headerReader = new VarintReader(EMPTY);
  private records: Buffer = EMPTY;
  /** Where in `records` the batch behind the open one begins. */
  private nextBatch = 0;
  private aborted: AbortedTransactions | null = null;
  private verifyCrc = true;
  private batch: BatchHeader | null = null;
  private baseOffset = 0;
  private maxOffsetDelta = 0;
  private baseTimestamp = 0;
  private logAppendTime = false;
  /** Records of the open batch that have not been read. */
  private left = 0;
  private headersStart = 0;
  private recordEnd = 0;
  private decodedHeaders: readonly RecordHeader[] | null = null;

  constructor(options: RecordCursorOptions = {}) {
    this.source = options.source ?? 'fetch';
    this.maxDecompressedBytes = options.maxDecompressedBytes ?? DEFAULT_MAX_DECOMPRESSED_BYTES;
  }

  /** Begins with the answer to another fetch; what was left of the last one is dropped. */
  load(records: Buffer, options: FetchedRecords): void {
    const { abortedTransactions } = options;
    this.records = records;
    this.nextBatch = 0;
    this.batch = null;
    this.left = 0;
    this.buffer = EMPTY;
    this.nextOffset = options.fetchOffset;
    this.needsLargerFetch = false;
    this.verifyCrc = options.verifyCrc ?? true;
    this.aborted = abortedTransactions === null ? null : new AbortedTransactions(abortedTransactions);
  }

  /**
   * Moves to the next record; false at the end.
   * @throws {TidemarkError} TM2006 when a batch is damaged or older than v2, TM2007 when its codec is not available.
   *   The cursor must be loaded anew then.
   */
  next(): boolean {
    for (;;) {
      while (this.left > 0) {
        this.readRecord();
        if (this.offset >= this.nextOffset) {
          this.nextOffset = this.offset + 1;
          return true;
        }
      }
      if (!this.openNextBatch()) return false;
    }
  }

  /** The current record's headers, decoded at the first call. Values are copies. @throws {TidemarkError} TM2006 */
  headers(): readonly RecordHeader[] {
    if (this.decodedHeaders === null) {
      this.headerReader.where = this.reader.where;
      this.headerReader.reset(this.buffer, this.headersStart, this.recordEnd);
      this.decodedHeaders = readHeaders(this.headerReader);
    }
    return this.decodedHeaders;
  }

  /** Leaves the batch that is done, and opens the next one that has records to show. False: there is none. */
  private openNextBatch(): boolean {
    for (;;) {
      this.leaveBatch();
      const start = this.nextBatch;
      const where = `${this.source}@${this.nextOffset}, byte ${start} of the fetch`;
      const end = batchEnd(this.records, start, where);
      if (end < 0) {
        this.needsLargerFetch = start === 0 && this.records.length > 0;
        return false;
      }
      this.nextBatch = end;
      this.reader.where = where;
      this.enterBatch(readBatchHeader(this.records, start, end, where));
      if (this.left > 0) return true;
    }
  }

  /** The batch's last offset counts, not its last record's: compaction takes records away. */
  private leaveBatch(): void {
    if (this.batch === null) return;
    if (this.reader.position !== this.reader.limit) throw this.damaged('more bytes than its records take');
    this.nextOffset = Math.max(this.nextOffset, this.batch.lastOffset + 1);
    this.batch = null;
  }

  private enterBatch(batch: BatchHeader): void {
    if (this.verifyCrc) this.checkCrc(batch);
    this.batch = batch;
    this.closeRecords();
    if (!this.isVisible(batch)) return;
    this.openRecords(batch);
    this.producerId = batch.producerId;
    this.isTransactional = batch.transactional;
    this.batchLeaderEpoch = batch.leaderEpoch;
  }

  private checkCrc(batch: BatchHeader): void {
    const actual = crc32c(this.records, batch.start + LAYOUT.ATTRIBUTES, batch.end);
    if (actual === batch.crc) return;
    throw this.damaged(`a CRC of ${hex(actual)} where its header says ${hex(batch.crc)}`);
  }

  /** Keeps the book of aborted transactions (as the Java consumer's CompletedFetch) and says whether to show records. */
  private isVisible(batch: BatchHeader): boolean {
    const { aborted } = this;
    if (aborted !== null && batch.producerId >= 0n) {
      aborted.advanceTo(batch.lastOffset);
      if (batch.control && aborted.isOpen(batch.producerId) && this.holdsAbortMarker(batch)) {
        aborted.close(batch.producerId);
      } else if (batch.transactional && aborted.isOpen(batch.producerId)) return false;
    }
    return !batch.control && batch.recordCount > 0;
  }

  private holdsAbortMarker(batch: BatchHeader): boolean {
    if (batch.recordCount === 0) return false;
    this.openRecords(batch);
    this.readRecord();
    const isAbort = this.keyStart >= 0 && isAbortMarker(this.buffer, this.keyStart, this.keyEnd);
    this.closeRecords();
    return isAbort;
  }

  private openRecords(batch: BatchHeader): void {
    const start = batch.start + LAYOUT.RECORDS;
    if (batch.compression === 'none') {
      this.buffer = this.records;
      this.reader.reset(this.records, start, batch.end);
    } else {
      const packed = this.records.subarray(start, batch.end);
      this.buffer = decompress(batch.compression, packed, this.reader.where, this.maxDecompressedBytes);
      this.reader.reset(this.buffer, 0, this.buffer.length);
    }
    this.left = batch.recordCount;
    this.baseOffset = batch.baseOffset;
    this.maxOffsetDelta = batch.lastOffset - batch.baseOffset;
    this.logAppendTime = batch.logAppendTime;
    this.baseTimestamp = batch.logAppendTime ? batch.maxTimestamp : batch.baseTimestamp;
  }

  private closeRecords(): void {
    this.left = 0;
    this.reader.reset(EMPTY, 0, 0);
  }

  /** Decodes all of a record but its headers. */
  private readRecord(): void {
    const { reader } = this;
    const length = reader.varint();
    const end = reader.position + length;
    if (length <= 0 || end > reader.limit) throw this.damaged(`a record of ${length} bytes`);
    reader.position++; // attributes: unused
    const timestampDelta = reader.varlong();
    const offsetDelta = reader.varint();
    const keyLength = reader.varint();
    if (keyLength < 0) {
      this.keyStart = -1;
      this.keyEnd = -1;
    } else {
      this.keyStart = reader.position;
      this.keyEnd = reader.position += keyLength;
    }
    const valueLength = reader.varint();
    if (valueLength < 0) {
      this.valueStart = -1;
      this.valueEnd = -1;
    } else {
      this.valueStart = reader.position;
      this.valueEnd = reader.position += valueLength;
    }
    if (reader.position >= end) throw this.damaged('a record whose key and value reach beyond it');
    this.headersStart = reader.position;
    this.recordEnd = end;
    this.decodedHeaders = null;
    reader.position = end;
    this.left--;
    if (offsetDelta < 0 || offsetDelta > this.maxOffsetDelta)
      throw this.damaged(`a record at +${offsetDelta}`);
    this.offset = this.baseOffset + offsetDelta;
    this.timestamp = this.logAppendTime ? this.baseTimestamp : this.baseTimestamp + timestampDelta;
  }

  private damaged(what: string): TidemarkError {
    return damagedBatch(`it has ${what}`, this.reader.where);
  }
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}
