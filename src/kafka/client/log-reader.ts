import { RecordCursor } from '../codec/batch-reader';
import { tpKey, type Isolation, type TopicPartition } from '../port';
import type { ClientContext } from './client-context';
import { Fetcher, type FetchedChunk } from './fetcher';
import { earliestOffsets } from './offsets';
import { Pulse } from './pulse';

const MIB = 1024 * 1024;
/** One answer; two more may wait while the callback works on one. */
const CHUNK_BYTES = 2 * MIB;

export interface ReadLogOptions extends ClientContext, TopicPartition {
  readonly from: number | 'earliest';
  /** Offset behind the last one to read. With read_committed the last stable offset must get there: see waitForStable. */
  readonly to: number;
  readonly isolation: Isolation;
  /**
   * Called with one fetched piece after the other, in log order; the next ones are fetched meanwhile. `next()` of the
   * cursor ends before `to`. The cursor and its buffer are valid until the callback's promise resolves.
   */
  readonly onChunk: (cursor: RecordCursor) => Promise<void> | void;
  /** Ends the reading: {@link readLog} rejects with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Reads [from, to) of one partition completely: control-only tails and batches that compaction emptied count as read.
 * The event loop runs between two pieces. Leaders that move and brokers that are away are waited for, without a limit:
 * use `signal`.
 * @returns the offset that reading began at
 * @throws {TidemarkError} TM4003 when `from` is not in the log (any more), TM2003, TM2006, TM2008 as Fetcher.poll;
 * whatever `onChunk` throws
 */
export async function readLog(options: ReadLogOptions): Promise<number> {
  const { topic, partition, to } = options;
  options.signal?.throwIfAborted();
  const from = options.from === 'earliest' ? await earliest(options) : options.from;
  if (from >= to) return from;
  const pulse = new Pulse(options.platform.scheduler);
  const wake = () => pulse.wake();
  const { port, metadata, platform, isolation } = options;
  const limits = { maxPartitionBytes: CHUNK_BYTES, maxBufferedPerPartition: 2 * CHUNK_BYTES };
  const fetcher = new Fetcher({ port, metadata, platform, isolation, ...limits, onReady: wake });
  options.signal?.addEventListener('abort', wake);
  try {
    fetcher.add(topic, partition, from);
    await drain(fetcher, pulse, options);
  } finally {
    options.signal?.removeEventListener('abort', wake);
    fetcher.close();
  }
  return from;
}

async function earliest(options: ReadLogOptions): Promise<number> {
  const starts = await earliestOffsets(options, [options]);
  return starts.get(tpKey(options.topic, options.partition)) ?? 0;
}

async function drain(fetcher: Fetcher, pulse: Pulse, options: ReadLogOptions): Promise<void> {
  const cursor = new CursorUpTo(options.to, tpKey(options.topic, options.partition));
  for (let position = 0; position < options.to;) {
    options.signal?.throwIfAborted();
    const chunk: FetchedChunk | null = fetcher.poll();
    if (chunk === null) {
      await pulse.wait();
      continue;
    }
    cursor.load(chunk.records, chunk);
    await options.onChunk(cursor);
    position = chunk.nextOffset;
    await options.platform.scheduler.yield();
  }
}

/** Ends before an offset, also in mid-batch. */
class CursorUpTo extends RecordCursor {
  private readonly end: number;

  constructor(end: number, source: string) {
    super({ source });
    this.end = end;
  }

  override next(): boolean {
    return super.next() && this.offset < this.end;
  }
}
