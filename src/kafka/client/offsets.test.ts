import type { ClientContext } from './client-context';
import { MetadataCache } from './metadata-cache';
import { earliestOffsets, endOffsets, offsetsAt, waitForStable } from './offsets';
import { connectionLost, FakeKafkaPort } from './testing/fake-port';
import { VirtualPlatform } from './testing/virtual-platform';

function setUp() {
  const platform = new VirtualPlatform();
  const kafka = new FakeKafkaPort(platform);
  const context: ClientContext = {
    port: kafka.port,
    metadata: new MetadataCache(kafka.port, platform),
    platform,
  };
  return { platform, kafka, context };
}

const T0 = { topic: 't', partition: 0 };
const T1 = { topic: 't', partition: 1 };

describe('offsets', () => {
  it('asks each leader once for all of its partitions', async () => {
    const { kafka, context } = setUp();
    const [first, second] = kafka.topic('t', 2);
    first!.append({ values: ['a', 'b'] });
    second!.leader = 2;
    second!.append({ values: ['c'] }, { open: true });
    expect(await endOffsets(context, [T0, T1], 'read_committed')).toEqual(
      new Map([
        ['t-0', 2],
        ['t-1', 0],
      ]),
    );
    expect(await endOffsets(context, [T0, T1], 'read_uncommitted')).toEqual(
      new Map([
        ['t-0', 2],
        ['t-1', 1],
      ]),
    );
    expect(await earliestOffsets(context, [T0])).toEqual(new Map([['t-0', 0]]));
    expect(kafka.callsOf('listOffsets')).toHaveLength(5);
  });

  it('hands timestamps through', async () => {
    const { kafka, context } = setUp();
    kafka.topic('t');
    await offsetsAt(context, [T0], 1234);
    expect(kafka.callsOf('listOffsets')[0]![2]).toEqual([{ ...T0, timestamp: 1234n }]);
  });

  it('follows a leader that moved and survives a lost connection', async () => {
    const { platform, kafka, context } = setUp();
    const [log] = kafka.topic('t');
    log!.append({ values: ['a'] });
    await endOffsets(context, [T0], 'read_committed');
    Object.assign(log!, { leader: 2, leaderEpoch: 1 });
    kafka.script('listOffsets', () => connectionLost('ListOffsets'));
    expect(await platform.until(endOffsets(context, [T0], 'read_committed'))).toEqual(new Map([['t-0', 1]]));
  });

  it('stops at once where no retry helps', async () => {
    const { kafka, context } = setUp();
    kafka.topic('t');
    kafka.script('listOffsets', () => [
      { ...T0, errorCode: 29, offset: -1n, timestamp: -1n, leaderEpoch: -1 },
    ]);
    await expect(endOffsets(context, [T0], 'read_committed')).rejects.toMatchObject({ code: 'TM2008' });
  });
});

describe('waitForStable', () => {
  it('returns the high watermark once everything below it is decided', async () => {
    const { platform, kafka, context } = setUp();
    const [log] = kafka.topic('t');
    log!.append({ values: ['a'], producerId: 4n }, { open: true });
    const waiting = waitForStable(context, { ...T0, deadlineMs: 1000 });
    await platform.advance(200);
    // What comes after the question is not waited for.
    log!.append({ values: ['later'], producerId: 5n }, { open: true });
    log!.lastStableOffset = 1;
    expect(await platform.until(waiting, 100)).toBe(1);
  });

  it('TM5003 names the producer that blocks', async () => {
    const { platform, kafka, context } = setUp();
    const [log] = kafka.topic('t');
    log!.append({ values: ['a'] });
    log!.append({ values: ['b'], producerId: 4711n }, { open: true });
    const waiting = platform.until(waitForStable(context, { ...T0, deadlineMs: 1000 }));
    await expect(waiting).rejects.toMatchObject({
      code: 'TM5003',
      reaction: 'abort-epoch',
      where: 't-0@1',
      message: expect.stringContaining('producer 4711 (epoch 7)'),
    });
    expect(platform.clock.monotonic()).toBeLessThanOrEqual(1000);
  });

  it('TM5003 also when the producer cannot be found out', async () => {
    const { platform, kafka, context } = setUp();
    const [log] = kafka.topic('t');
    log!.append({ values: ['b'], producerId: 4711n }, { open: true });
    kafka.script('fetch', () => connectionLost('Fetch'));
    const waiting = platform.until(waitForStable(context, { ...T0, deadlineMs: 100 }));
    await expect(waiting).rejects.toMatchObject({
      code: 'TM5003',
      message: expect.stringContaining('unknown'),
    });
  });
});
