import type { FetchRequest } from '../port';
import { connectionLost } from './testing/fake-port';
import { answerWith, closeFetchers, lastFetch, offsetsOf, setUp } from './testing/fetcher-harness';

afterEach(closeFetchers);

describe('Fetcher in trouble', () => {
  it('follows the leader', async () => {
    const { platform, kafka, fetcher } = setUp();
    const [log] = kafka.topic('t');
    log!.append({ values: ['a'] });
    fetcher.add('t', 0, 0);
    await platform.settle();
    fetcher.poll();
    Object.assign(log!, { leader: 2, leaderEpoch: 1 });
    log!.append({ values: ['b'] });
    await platform.advance(1000);
    expect(offsetsOf(fetcher.poll())).toBe('t-0:1');
    expect(kafka.callsOf('fetch').at(-1)![0]).toBe(2);
    expect(fetcher.troubles()).toEqual([]);
  });

  it('goes on after lost connections, with growing pauses', async () => {
    const { platform, kafka, fetcher } = setUp();
    const [log] = kafka.topic('t');
    log!.append({ values: ['a'] });
    kafka.script('fetch', ...Array.from({ length: 12 }, () => () => connectionLost('Fetch')));
    fetcher.add('t', 0, 0);
    await platform.advance(3000);
    expect(fetcher.poll()).toBeNull();
    expect(fetcher.troubles()).toMatchObject([{ code: 'TM2001', where: 't-0@0' }]);
    await platform.advance(10_000);
    expect(offsetsOf(fetcher.poll())).toBe('t-0:0');
    expect(fetcher.troubles()).toEqual([]);
  });

  it('stops loudly when the position is gone, after what was read before, and keeps saying so', async () => {
    const { platform, kafka, fetcher, ready } = setUp();
    const [log] = kafka.topic('t');
    log!.append({ values: ['a', 'b', 'c'] });
    log!.logStart = 2;
    fetcher.add('t', 0, 1);
    await platform.settle();
    expect(ready.calls).toBeGreaterThan(0);
    const gone = {
      code: 'TM4003',
      reaction: 'stop',
      where: 't-0@1',
      message: expect.stringContaining('2 to 3'),
    };
    expect(() => fetcher.poll()).toThrow(expect.objectContaining(gone));
    expect(() => fetcher.poll()).toThrow(expect.objectContaining(gone));
    expect(fetcher.isDrained()).toBe(false);
    fetcher.seek('t', 0, 2);
    await platform.settle();
    expect(offsetsOf(fetcher.poll())).toBe('t-0:2');
  });

  it('does not believe OFFSET_OUT_OF_RANGE when the leader holds the offset', async () => {
    const { platform, kafka, fetcher } = setUp();
    const [log] = kafka.topic('t');
    log!.append({ values: ['a'] });
    kafka.script('fetch', (_, request) => ({
      throttleMs: 0,
      errorCode: 0,
      partitions: [{ ...request.partitions[0]!, errorCode: 1, records: null }],
    }));
    fetcher.add('t', 0, 0);
    await platform.advance(100);
    expect(offsetsOf(fetcher.poll())).toBe('t-0:0');
  });

  it('gives an unknown topic up after a while', async () => {
    const { platform, fetcher } = setUp();
    fetcher.add('nope', 0, 0);
    await platform.advance(5000);
    expect(fetcher.poll()).toBeNull();
    await platform.advance(30_000);
    expect(() => fetcher.poll()).toThrow(expect.objectContaining({ code: 'TM2003' }));
  });

  it('does not take a broker that comes back ignorant after a long absence for a missing topic', async () => {
    const { platform, kafka, fetcher } = setUp();
    const [log] = kafka.topic('t');
    log!.append({ values: ['a'] });
    const ignorant = (request: FetchRequest) => ({ ...answerWith(request, []), errorCode: 3 });
    const away = Array.from({ length: 40 }, () => () => connectionLost('Fetch'));
    kafka.script('fetch', ...away, (_, request) => ignorant(request));
    fetcher.add('t', 0, 0);
    await platform.advance(60_000);
    expect(kafka.callsOf('fetch').length).toBeGreaterThan(41);
    expect(offsetsOf(fetcher.poll())).toBe('t-0:0');
  });

  it('gives a partition up that its leader goes on not to know', async () => {
    const { platform, kafka, fetcher } = setUp();
    kafka.topic('t');
    const ignorant = Array.from({ length: 100 }, () => (_: number, request: FetchRequest) => ({
      ...answerWith(request, []),
      errorCode: 3,
    }));
    kafka.script('fetch', ...ignorant);
    fetcher.add('t', 0, 0);
    await platform.advance(29_000);
    expect(fetcher.poll()).toBeNull();
    await platform.advance(3_000);
    expect(() => fetcher.poll()).toThrow(expect.objectContaining({ code: 'TM2003', reaction: 'stop' }));
  });

  it('stops when it is not authorised', async () => {
    const { platform, kafka, fetcher } = setUp();
    kafka.topic('t');
    kafka.script('fetch', (_, request) => ({
      throttleMs: 0,
      errorCode: 0,
      partitions: [{ ...request.partitions[0]!, errorCode: 29, records: null }],
    }));
    fetcher.add('t', 0, 0);
    await platform.settle();
    expect(() => fetcher.poll()).toThrow(expect.objectContaining({ code: 'TM2008', reaction: 'stop' }));
  });

  it('asks for more when not one batch fits', async () => {
    const { platform, kafka, fetcher } = setUp({ maxPartitionBytes: 80 });
    const [log] = kafka.topic('t');
    log!.append({ values: ['x'.repeat(40), 'y'.repeat(40)] });
    fetcher.add('t', 0, 0);
    await platform.settle();
    expect(offsetsOf(fetcher.poll())).toBe('t-0:0,1');
    await platform.advance(250);
    expect(lastFetch(kafka).partitions[0]!.maxBytes).toBe(80);
  });

  it('refuses a batch above the limit', async () => {
    const { platform, kafka, fetcher } = setUp({ maxPartitionBytes: 80, maxBatchBytes: 120 });
    const [log] = kafka.topic('t');
    log!.append({ values: ['x'.repeat(40), 'y'.repeat(40)] });
    fetcher.add('t', 0, 0);
    await platform.settle();
    expect(() => fetcher.poll()).toThrow(expect.objectContaining({ code: 'TM2006' }));
  });

  it('honours throttling', async () => {
    const { platform, kafka, fetcher } = setUp();
    kafka.topic('t');
    kafka.script('fetch', () => ({ throttleMs: 5000, errorCode: 0, partitions: [] }));
    fetcher.add('t', 0, 0);
    await platform.advance(4999);
    expect(kafka.callsOf('fetch')).toHaveLength(1);
    await platform.advance(2);
    expect(kafka.callsOf('fetch')).toHaveLength(2);
  });

  it('a bug in the port comes out of poll instead of passing for a broker that is away', async () => {
    const { platform, kafka, fetcher } = setUp();
    kafka.topic('t');
    kafka.script('fetch', () => {
      throw new TypeError('bug');
    });
    fetcher.add('t', 0, 0);
    await platform.settle();
    expect(() => fetcher.poll()).toThrow(TypeError);
  });

  it("after close a failing request is nobody's business", async () => {
    const { platform, kafka, fetcher, ready } = setUp();
    kafka.topic('t');
    let fail: (error: Error) => void = () => undefined;
    kafka.script('fetch', () => new Promise((_, reject) => (fail = reject)));
    fetcher.add('t', 0, 0);
    await platform.settle();
    fetcher.close();
    fail(new TypeError('bug'));
    await platform.settle();
    expect(ready.calls).toBe(0);
    expect(fetcher.poll()).toBeNull();
  });

  it('after close nothing is called and no timer is left', async () => {
    const { platform, kafka, fetcher, ready } = setUp();
    const [log] = kafka.topic('t');
    fetcher.add('t', 0, 0);
    await platform.settle();
    fetcher.close();
    log!.append({ values: ['a'] });
    kafka.wakeFetches();
    await platform.advance(1000);
    expect(ready.calls).toBe(0);
    expect(kafka.callsOf('fetch')).toHaveLength(1);
    expect(platform.pendingTimers()).toBe(0);
  });
});
