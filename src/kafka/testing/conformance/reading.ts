import { Fetcher } from '../../client/fetcher';
import { Pulse } from '../../client/pulse';
import { RecordCursor } from '../../codec/batch-reader';
import type { Isolation, KafkaPort } from '../../port';
import type { Bench } from './bench';
import { recordsOf, type ReadRecord } from './records';
import type { TestTopic } from './topic';

/** More than any case needs: a reader that stands still asks for ever. */
const MOST_REQUESTS = 2_000;

export interface FetcherRun {
  readonly records: readonly ReadRecord[];
  /** Pieces that the fetcher handed out, and Fetch requests that it took. */
  readonly chunks: number;
  readonly requests: number;
  /** Where the fetcher stands when nothing is left to read. */
  readonly position: number;
}

export interface FetcherRunOptions {
  /** Default 0. */
  readonly from?: number;
  /** Default `read_committed`. */
  readonly isolation?: Isolation;
  /** Bytes of one answer; default the fetcher's. */
  readonly maxPartitionBytes?: number;
}

/** Reads partition 0 with our fetcher until it says that nothing is left. @throws what its `poll` throws */
export async function readDrained(
  bench: Bench,
  topic: TestTopic,
  options: FetcherRunOptions = {},
): Promise<FetcherRun> {
  const { from = 0, isolation = 'read_committed', maxPartitionBytes } = options;
  const pulse = new Pulse(bench.platform.scheduler);
  let requests = 0;
  const port = counting(bench.port, () => requests++);
  const limits = maxPartitionBytes === undefined ? {} : { maxPartitionBytes };
  const fetcher = new Fetcher({ ...bench.client, port, isolation, ...limits, onReady: () => pulse.wake() });
  const cursor = new RecordCursor();
  const records: ReadRecord[] = [];
  let chunks = 0;
  try {
    fetcher.add(topic.name, 0, from);
    while (!fetcher.isDrained()) {
      if (requests > MOST_REQUESTS)
        throw new Error(`the fetcher does not get beyond ${fetcher.positionOf(topic.name, 0)}`);
      const chunk = fetcher.poll();
      if (chunk === null) {
        await pulse.wait(1_000);
        continue;
      }
      chunks++;
      cursor.load(chunk.records, chunk);
      records.push(...recordsOf(cursor));
    }
    return { records, chunks, requests, position: fetcher.positionOf(topic.name, 0) };
  } finally {
    fetcher.close();
  }
}

function counting(port: KafkaPort, onFetch: () => void): KafkaPort {
  return new Proxy(port, {
    get(target, name: keyof KafkaPort) {
      if (name === 'fetch') onFetch();
      return target[name].bind(target);
    },
  });
}
