import { answerWith, closeFetchers, lastFetch, offsetsOf, setUp } from './testing/fetcher-harness';
import { testBatch } from './testing/test-batches';

afterEach(closeFetchers);

describe('Fetcher', () => {
  it('reads from the offset it was given and says when it is drained', async () => {
    const { platform, kafka, fetcher, ready } = setUp();
    const [log] = kafka.topic('t');
    log!.append({ values: ['a', 'b', 'c'] });
    fetcher.add('t', 0, 1);
    await platform.settle();
    expect(ready.calls).toBe(1);
    expect(fetcher.isDrained()).toBe(false);
    expect(fetcher.positionOf('t', 0)).toBe(1);
    expect(fetcher.lag()).toBe(2);
    expect(offsetsOf(fetcher.poll())).toBe('t-0:1,2');
    expect(fetcher.isDrained()).toBe(true);
    expect(fetcher.positionOf('t', 0)).toBe(3);
    expect(fetcher.lag()).toBe(0);
    expect(fetcher.poll()).toBeNull();
  });

  it('is not drained before the first answer, and calls onReady when that shows an empty partition', async () => {
    const { platform, kafka, fetcher, ready } = setUp();
    kafka.topic('t');
    fetcher.add('t', 0, 0);
    expect(fetcher.isDrained()).toBe(false);
    expect(fetcher.lagOf('t', 0)).toBeNull();
    await platform.advance(250);
    expect(fetcher.isDrained()).toBe(true);
    expect(ready.calls).toBe(1);
    await platform.advance(2000);
    expect(ready.calls).toBe(1);
    expect(kafka.callsOf('fetch').length).toBeLessThanOrEqual(10);
  });

  it('asks for all that is added in one turn with one request', async () => {
    const { platform, kafka, fetcher } = setUp();
    kafka.topic('t', 3);
    for (const partition of [0, 1, 2]) fetcher.add('t', partition, 0);
    await platform.settle();
    expect(lastFetch(kafka).partitions).toHaveLength(3);
    expect(kafka.callsOf('fetch')).toHaveLength(1);
  });

  it('waits only briefly with others while a leader is looked up', async () => {
    const { platform, kafka, fetcher } = setUp();
    const [, leaderless] = kafka.topic('t', 2);
    leaderless!.leader = -1;
    fetcher.add('t', 0, 0);
    fetcher.add('t', 1, 0);
    await platform.settle();
    expect(lastFetch(kafka)).toMatchObject({ maxWaitMs: 20, partitions: [{ partition: 0 }] });
  });

  it('is drained at the last stable offset although an open transaction lies behind it', async () => {
    const { platform, kafka, fetcher } = setUp();
    const [log] = kafka.topic('t');
    log!.append({ values: ['a'] });
    log!.append({ values: ['open'], producerId: 9n }, { open: true });
    fetcher.add('t', 0, 0);
    await platform.settle();
    expect(offsetsOf(fetcher.poll())).toBe('t-0:0');
    expect(fetcher.isDrained()).toBe(true);
  });

  it('advances over control batches and batches that compaction emptied', async () => {
    const { platform, kafka, fetcher } = setUp();
    const [log] = kafka.topic('t');
    log!.append({ values: [], lastOffset: 4 });
    log!.append({ values: [], control: 'commit', producerId: 3n });
    fetcher.add('t', 0, 0);
    await platform.settle();
    expect(offsetsOf(fetcher.poll())).toBe('t-0:');
    expect(fetcher.positionOf('t', 0)).toBe(6);
    expect(fetcher.isDrained()).toBe(true);
  });

  it('prefetches behind what is buffered, one request at a time', async () => {
    const { platform, kafka, fetcher } = setUp({ maxPartitionBytes: 100 });
    const [log] = kafka.topic('t');
    for (const value of ['a', 'b', 'c']) log!.append({ values: [value] });
    fetcher.add('t', 0, 0);
    await platform.settle();
    const offsets = kafka.callsOf('fetch').map(([, request]) => Number(request.partitions[0]!.fetchOffset));
    expect(offsets).toEqual([0, 1, 2, 3]);
    expect([fetcher.poll(), fetcher.poll(), fetcher.poll()].map(offsetsOf)).toEqual([
      't-0:0',
      't-0:1',
      't-0:2',
    ]);
  });

  it('leaves a partition with a full buffer out, and asks the others with a short wait', async () => {
    const { platform, kafka, fetcher } = setUp({ maxPartitionBytes: 100, maxBufferedPerPartition: 150 });
    const [full] = kafka.topic('t', 2);
    for (let i = 0; i < 10; i++) full!.append({ values: ['x'] });
    fetcher.add('t', 0, 0);
    fetcher.add('t', 1, 0);
    await platform.advance(300);
    const request = lastFetch(kafka);
    expect(request.partitions.map(({ partition }) => partition)).toEqual([1]);
    expect(request.maxWaitMs).toBe(20);
    expect(fetcher.bufferedBytes()).toBeLessThanOrEqual(250);
    fetcher.poll();
    fetcher.poll();
    const before = kafka.callsOf('fetch').length;
    await platform.advance(20);
    const asked = kafka.callsOf('fetch').slice(before);
    expect(asked.flatMap(([, { partitions }]) => partitions.map(({ partition }) => partition))).toContain(0);
  });

  it('never buffers more than its limit over all partitions', async () => {
    const { platform, kafka, fetcher } = setUp({
      maxBytes: 400,
      maxPartitionBytes: 200,
      maxBufferedBytes: 600,
    });
    const logs = kafka.topic('t', 6);
    for (const log of logs) for (let i = 0; i < 50; i++) log.append({ values: ['x'] });
    logs.forEach((_, partition) => fetcher.add('t', partition, 0));
    const seen = new Map<number, number>();
    for (let chunks = 0; chunks < 60; chunks++) {
      await platform.settle();
      expect(fetcher.bufferedBytes()).toBeLessThanOrEqual(600);
      const chunk = fetcher.poll();
      expect(chunk).not.toBeNull();
      seen.set(chunk!.partition, (seen.get(chunk!.partition) ?? 0) + 1);
    }
    expect(Math.min(...logs.map((_, partition) => seen.get(partition) ?? 0))).toBeGreaterThan(5);
  });

  it('a paused partition is neither polled nor able to starve the others', async () => {
    const { platform, kafka, fetcher } = setUp({ maxPartitionBytes: 200, maxBufferedBytes: 300 });
    const [paused, other] = kafka.topic('t', 2);
    for (let i = 0; i < 10; i++) paused!.append({ values: ['x'] });
    fetcher.add('t', 0, 0);
    await platform.settle();
    fetcher.pause('t', 0);
    expect(fetcher.poll()).toBeNull();
    other!.append({ values: ['y'] });
    fetcher.add('t', 1, 0);
    await platform.advance(300);
    expect(offsetsOf(fetcher.poll())).toBe('t-1:0');
    expect(fetcher.isDrained()).toBe(true);
    fetcher.resume('t', 0);
    await platform.advance(300);
    expect(offsetsOf(fetcher.poll())).toMatch(/^t-0:0,/);
  });

  it('polls partitions in turn', async () => {
    const { platform, kafka, fetcher } = setUp({ maxPartitionBytes: 100 });
    for (const log of kafka.topic('t', 3)) for (const value of ['a', 'b']) log.append({ values: [value] });
    for (const partition of [0, 1, 2]) fetcher.add('t', partition, 0);
    await platform.settle();
    const order = Array.from({ length: 6 }, () => offsetsOf(fetcher.poll()));
    expect(order).toEqual(['t-0:0', 't-1:0', 't-2:0', 't-0:1', 't-1:1', 't-2:1']);
  });

  it('drops the answer to a position that was sought away from', async () => {
    const { platform, kafka, fetcher } = setUp();
    const [log] = kafka.topic('t');
    log!.append({ values: ['a'] });
    fetcher.add('t', 0, 1);
    await platform.settle();
    log!.append({ values: ['b'] });
    fetcher.seek('t', 0, 0);
    kafka.wakeFetches();
    await platform.settle();
    expect(offsetsOf(fetcher.poll())).toBe('t-0:0,1');
    expect(fetcher.poll()).toBeNull();
  });

  it('asks at once for what moved while a long poll for nothing else is under way, but not without limit', async () => {
    const { platform, kafka, fetcher } = setUp({
      maxBytes: 1_000_000,
      maxBufferedBytes: 3_000_000,
      maxPartitionBytes: 1_000_000,
    });
    const [log] = kafka.topic('t');
    log!.append({ values: ['a'] });
    fetcher.add('t', 0, 1);
    await platform.settle();
    fetcher.seek('t', 0, 0);
    await platform.settle();
    expect(offsetsOf(fetcher.poll())).toBe('t-0:0');
    for (let i = 0; i < 10; i++) {
      fetcher.seek('t', 0, 1);
      await platform.settle();
    }
    // The first, the sought one, and those that the buffer has room for.
    expect(kafka.callsOf('fetch').length).toBeLessThanOrEqual(6);
  });

  it('does not go backwards when it is answered with older batches, nor ask again at once', async () => {
    const { platform, kafka, fetcher } = setUp();
    const [log] = kafka.topic('t');
    log!.append({ values: ['a'] });
    log!.append({ values: ['b'] });
    const older = testBatch({ baseOffset: 0, values: ['a'] });
    kafka.script('fetch', (_, request) => answerWith(request, [older]));
    fetcher.add('t', 0, 1);
    await platform.settle();
    expect(fetcher.poll()).toBeNull();
    expect(kafka.callsOf('fetch')).toHaveLength(1);
    await platform.advance(100);
    expect(offsetsOf(fetcher.poll())).toBe('t-0:1');
  });

  it('does not hold a large answer in memory for a small part of it', async () => {
    const { platform, kafka, fetcher } = setUp();
    kafka.topic('t', 2);
    const small = testBatch({ baseOffset: 0, values: ['x'] });
    const large = testBatch({ baseOffset: 0, values: Array.from({ length: 200 }, () => 'y'.repeat(40)) });
    const whole = Buffer.concat([small, large]);
    const views = [whole.subarray(0, small.length), whole.subarray(small.length)];
    kafka.script('fetch', (_, request) => answerWith(request, views));
    fetcher.add('t', 0, 0);
    fetcher.add('t', 1, 0);
    await platform.settle();
    const [first, second] = [fetcher.poll()!, fetcher.poll()!];
    expect(first.records).toEqual(small);
    expect(first.records.buffer).not.toBe(whole.buffer);
    expect(second.records.buffer).toBe(whole.buffer);
  });

  it('drops the answer for a partition that was removed and added again', async () => {
    const { platform, kafka, fetcher } = setUp();
    const [log] = kafka.topic('t');
    fetcher.add('t', 0, 0);
    await platform.settle();
    log!.append({ values: ['a', 'b'] });
    fetcher.remove('t', 0);
    fetcher.add('t', 0, 1);
    kafka.wakeFetches();
    await platform.settle();
    expect(offsetsOf(fetcher.poll())).toBe('t-0:1');
    expect(fetcher.poll()).toBeNull();
  });
});
