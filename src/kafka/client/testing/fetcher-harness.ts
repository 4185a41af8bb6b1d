import { RecordCursor } from '../../codec/batch-reader';
import type { FetchRequest, FetchResponse } from '../../port';
import { Fetcher, type FetchedChunk, type FetcherOptions } from '../fetcher';
import { MetadataCache } from '../metadata-cache';
import { FakeKafkaPort } from './fake-port';
import { VirtualPlatform } from './virtual-platform';

const running: Fetcher[] = [];
/** Ends the fetchers of a test. */
export function closeFetchers(): void {
  for (const fetcher of running.splice(0)) fetcher.close();
}

export function setUp(options: Partial<FetcherOptions> = {}) {
  const platform = new VirtualPlatform();
  const kafka = new FakeKafkaPort(platform);
  const metadata = new MetadataCache(kafka.port, platform);
  const ready = { calls: 0 };
  const fetcher = new Fetcher({
    port: kafka.port,
    metadata,
    platform,
    isolation: 'read_committed',
    onReady: () => ready.calls++,
    ...options,
  });
  running.push(fetcher);
  return { platform, kafka, fetcher, ready };
}

/** `topic-partition:offsets` of the records that a reader of the chunk sees. */
export function offsetsOf(chunk: FetchedChunk | null): string {
  if (chunk === null) return 'nothing';
  const cursor = new RecordCursor();
  cursor.load(chunk.records, chunk);
  const offsets: number[] = [];
  while (cursor.next()) offsets.push(cursor.offset);
  if (cursor.nextOffset !== chunk.nextOffset)
    throw new Error(`${cursor.nextOffset} is not ${chunk.nextOffset}`);
  return `${chunk.topic}-${chunk.partition}:${offsets.join(',')}`;
}

export function answerWith(request: FetchRequest, records: readonly Buffer[]): FetchResponse {
  const partitions = request.partitions.map(({ topic, partition }) => ({
    topic,
    partition,
    errorCode: 0,
    highWatermark: 2n,
    lastStableOffset: 2n,
    logStartOffset: 0n,
    abortedTransactions: [],
    records: records[partition] ?? null,
  }));
  return { throttleMs: 0, errorCode: 0, partitions };
}

export const lastFetch = (kafka: FakeKafkaPort): FetchRequest => kafka.callsOf('fetch').at(-1)![1];
