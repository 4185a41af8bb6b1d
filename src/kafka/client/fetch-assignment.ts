import type { TidemarkError } from '../../errors';
import { tpKey } from '../port';
import type { Leader } from './metadata-cache';

/** One partition's part of one Fetch answer: whole batches only. */
export interface FetchedChunk {
  readonly topic: string;
  readonly partition: number;
  /** Whole record batches; the first may begin below `fetchOffset`. */
  readonly records: Buffer;
  /** The position that was asked for: records below it are not part of the chunk. */
  readonly fetchOffset: number;
  /** The position behind the chunk. */
  readonly nextOffset: number;
  /** As the broker sent it: not sorted. Null when read_uncommitted. */
  readonly abortedTransactions:
    readonly { readonly producerId: bigint; readonly firstOffset: bigint }[] | null;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
}

/** What the fetcher knows of one assigned partition. */
export class FetchAssignment {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  /** Raised by every seek: an answer to an older version is dropped. */
  version = 0;
  /** Offset of the next fetch: behind everything that is buffered. */
  fetchPosition: number;
  /** First offset that a reader cannot see yet, from the last answer; -1 before the first one. */
  end = -1;
  /** The last answer showed nothing behind `fetchPosition`. */
  reachedEnd = false;
  paused = false;
  /** Null: must be looked up. */
  leader: Leader | null = null;
  /** Something is being asked about it; it is not fetched meanwhile. */
  resolving = false;
  maxBytes: number;
  failures = 0;
  /** Monotonic time before which nothing is asked of it. */
  notBefore = 0;
  /** What keeps it from being read; null when the last answer was good. */
  trouble: TidemarkError | null = null;
  /** Since when trouble of the same error code lasts. */
  troubledSince = 0;
  /** What poll throws once the buffer is empty. */
  failure: unknown = null;
  bufferedBytes = 0;
  private readonly chunks: FetchedChunk[] = [];

  constructor(topic: string, partition: number, offset: number, maxBytes: number) {
    this.topic = topic;
    this.partition = partition;
    this.key = tpKey(topic, partition);
    this.fetchPosition = offset;
    this.maxBytes = maxBytes;
  }

  /** `topic-partition@offset` for messages. */
  where(): string {
    return `${this.key}@${this.fetchPosition}`;
  }

  /** Offset of the next record that poll may hand out. */
  position(): number {
    return this.chunks[0]?.fetchOffset ?? this.fetchPosition;
  }

  hasChunk(): boolean {
    return this.chunks.length > 0;
  }

  push(chunk: FetchedChunk): void {
    this.chunks.push(chunk);
    this.bufferedBytes += chunk.records.length;
    this.fetchPosition = chunk.nextOffset;
  }

  shift(): FetchedChunk | undefined {
    const chunk = this.chunks.shift();
    if (chunk !== undefined) this.bufferedBytes -= chunk.records.length;
    return chunk;
  }

  /** Starts over at `offset`. */
  moveTo(offset: number): void {
    this.version++;
    this.chunks.length = 0;
    this.bufferedBytes = 0;
    this.fetchPosition = offset;
    this.reachedEnd = false;
    this.failure = null;
  }

  recovered(): void {
    this.failures = 0;
    this.trouble = null;
  }
}
