import { readLog, type ReadLogOptions } from './log-reader';
import { MetadataCache } from './metadata-cache';
import { FakeKafkaPort } from './testing/fake-port';
import { VirtualPlatform } from './testing/virtual-platform';

function setUp() {
  const platform = new VirtualPlatform();
  const kafka = new FakeKafkaPort(platform);
  const [log] = kafka.topic('t');
  const read: string[] = [];
  const options: Omit<ReadLogOptions, 'to'> = {
    port: kafka.port,
    metadata: new MetadataCache(kafka.port, platform),
    platform,
    topic: 't',
    partition: 0,
    from: 'earliest',
    isolation: 'read_committed',
    onChunk: (cursor) => {
      while (cursor.next()) read.push(cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd));
    },
  };
  return { platform, kafka, log: log!, read, options };
}

describe('readLog', () => {
  it('reads all that is committed, and past control-only tails and emptied batches', async () => {
    const { platform, kafka, log, read, options } = setUp();
    log.append({ values: ['a', 'b'] });
    log.append({ values: [], lastOffset: log.highWatermark + 8 });
    log.append({ values: ['aborted'], producerId: 5n });
    log.aborted = [{ producerId: 5n, firstOffset: BigInt(log.highWatermark - 1) }];
    log.append({ values: [], control: 'abort', producerId: 5n });
    log.append({ values: ['c'], producerId: 6n });
    log.append({ values: [], control: 'commit', producerId: 6n });
    expect(await platform.until(readLog({ ...options, to: log.highWatermark }))).toBe(0);
    expect(read).toEqual(['a', 'b', 'c']);
    kafka.wakeFetches();
    expect(platform.pendingTimers()).toBe(0);
  });

  it('shows nothing at or behind its end, also in mid-batch, and nothing before its start', async () => {
    const { platform, log, read, options } = setUp();
    log.append({ values: ['a', 'b', 'c', 'd'] });
    await platform.until(readLog({ ...options, from: 1, to: 3 }));
    expect(read).toEqual(['b', 'c']);
  });

  it('begins at the log start', async () => {
    const { platform, log, read, options } = setUp();
    log.append({ values: ['a', 'b', 'c'] });
    log.logStart = 2;
    expect(await platform.until(readLog({ ...options, to: 3 }))).toBe(2);
    expect(read).toEqual(['c']);
  });

  it('asks nothing for an empty range', async () => {
    const { kafka, options } = setUp();
    expect(await readLog({ ...options, from: 5, to: 5 })).toBe(5);
    expect(kafka.calls).toEqual([]);
  });

  it('fetches ahead while the callback works', async () => {
    const { platform, kafka, log, options } = setUp();
    log.append({ values: ['a'] });
    let fetchesMeanwhile = 0;
    const onChunk = async () => {
      await platform.settle();
      fetchesMeanwhile = kafka.callsOf('fetch').length;
    };
    await platform.until(readLog({ ...options, to: 1, onChunk }));
    expect(fetchesMeanwhile).toBe(2);
  });

  it('waits for what is not readable yet', async () => {
    const { platform, kafka, log, read, options } = setUp();
    log.append({ values: ['a'], producerId: 5n }, { open: true });
    const reading = readLog({ ...options, to: 1 });
    await platform.advance(1000);
    expect(read).toEqual([]);
    log.lastStableOffset = 1;
    kafka.wakeFetches();
    await platform.until(reading, 10);
    expect(read).toEqual(['a']);
  });

  it('fails when its start is gone', async () => {
    const { platform, log, options } = setUp();
    log.append({ values: ['a', 'b', 'c'] });
    log.logStart = 2;
    const reading = platform.until(readLog({ ...options, from: 0, to: 3 }));
    await expect(reading).rejects.toMatchObject({ code: 'TM4003' });
  });

  it('fails as its callback fails, and fetches no more', async () => {
    const { platform, kafka, log, options } = setUp();
    log.append({ values: ['a'] });
    const broken = new Error('disk full');
    const reading = readLog({ ...options, to: 1, onChunk: () => Promise.reject(broken) });
    await expect(platform.until(reading)).rejects.toBe(broken);
    const fetches = kafka.callsOf('fetch').length;
    await platform.advance(2000);
    expect(kafka.callsOf('fetch')).toHaveLength(fetches);
  });

  it('ends when it is told to', async () => {
    const { platform, log, options } = setUp();
    log.append({ values: ['open'], producerId: 5n }, { open: true });
    const abort = new AbortController();
    const reading = readLog({ ...options, to: 1, signal: abort.signal });
    reading.catch(() => undefined);
    await platform.advance(1000);
    const reason = new Error('shutdown');
    abort.abort(reason);
    await expect(platform.until(reading, 0)).rejects.toBe(reason);
  });
});
