import { TidemarkError } from '../../errors';
import { KafkaRequestError } from '../port';
import { MetadataCache } from './metadata-cache';
import { connectionLost, FakeKafkaPort } from './testing/fake-port';
import { VirtualPlatform } from './testing/virtual-platform';

function setUp() {
  const platform = new VirtualPlatform();
  const kafka = new FakeKafkaPort(platform);
  return { platform, kafka, cache: new MetadataCache(kafka.port, platform) };
}

describe('MetadataCache', () => {
  it('asks once for callers of the same turn, all topics in one request', async () => {
    const { kafka, cache } = setUp();
    kafka.topic('a', 2);
    kafka.topic('b', 3);
    const answers = await Promise.all([
      cache.leaderOf('a', 0),
      cache.leaderOf('a', 1),
      cache.partitionCount('b'),
      cache.topicId('a'),
    ]);
    expect(answers).toEqual([{ nodeId: 1, leaderEpoch: 0 }, { nodeId: 1, leaderEpoch: 0 }, 3, 'id-a']);
    expect(kafka.callsOf('metadata')).toEqual([[['a', 'b']]]);
    await cache.leaderOf('a', 1);
    expect(kafka.callsOf('metadata')).toHaveLength(1);
  });

  it('asks anew after invalidate and follows the leader', async () => {
    const { kafka, cache } = setUp();
    const [partition] = kafka.topic('a');
    await cache.leaderOf('a', 0);
    Object.assign(partition!, { leader: 2, leaderEpoch: 1 });
    expect(await cache.leaderOf('a', 0)).toEqual({ nodeId: 1, leaderEpoch: 0 });
    cache.invalidate('a');
    expect(await cache.leaderOf('a', 0)).toEqual({ nodeId: 2, leaderEpoch: 1 });
  });

  it('does not go back to an older leader epoch', async () => {
    const { kafka, cache } = setUp();
    const [partition] = kafka.topic('a');
    Object.assign(partition!, { leader: 2, leaderEpoch: 5 });
    await cache.leaderOf('a', 0);
    Object.assign(partition!, { leader: 1, leaderEpoch: 4 });
    await cache.refresh(['a']);
    expect(await cache.leaderOf('a', 0)).toEqual({ nodeId: 2, leaderEpoch: 5 });
  });

  it('waits out an election', async () => {
    const { platform, kafka, cache } = setUp();
    const [partition] = kafka.topic('a');
    partition!.leader = -1;
    const leader = cache.leaderOf('a', 0);
    await platform.advance(500);
    partition!.leader = 3;
    expect(await platform.until(leader, 2000)).toEqual({ nodeId: 3, leaderEpoch: 0 });
  });

  it('gives a missing topic ten seconds, then TM2003', async () => {
    const { platform, cache } = setUp();
    const leader = cache.leaderOf('nope', 0);
    leader.catch(() => undefined);
    await platform.advance(8000);
    await expect(platform.until(leader, 3000)).rejects.toMatchObject({ code: 'TM2003', reaction: 'stop' });
  });

  it('tells at once that the brokers refuse this client', async () => {
    const { kafka, cache } = setUp();
    const refused = new TidemarkError('TM2010', 'retry', 'refused');
    kafka.script('metadata', () => {
      throw new KafkaRequestError(
        'Metadata',
        'not sent',
        true,
        new KafkaRequestError('Metadata', 'x', true, refused),
      );
    });
    await expect(cache.leaderOf('a', 0)).rejects.toBe(refused);
  });

  it('does not count the time in which no broker answered', async () => {
    const { platform, kafka, cache } = setUp();
    kafka.script('metadata', ...Array.from({ length: 20 }, () => () => connectionLost('Metadata')));
    const leader = cache.leaderOf('late', 0);
    await platform.advance(15_000);
    expect(kafka.callsOf('metadata').length).toBeLessThan(21);
    await platform.advance(6_000);
    expect(kafka.callsOf('metadata').length).toBeGreaterThan(21);
    kafka.topic('late');
    expect(await platform.until(leader, 2_000)).toMatchObject({ nodeId: 1 });
  });

  it('a missing topic holds up no other', async () => {
    const { platform, kafka, cache } = setUp();
    kafka.topic('there');
    const missing = cache.leaderOf('nope', 0);
    missing.catch(() => undefined);
    await platform.advance(5000);
    const before = platform.clock.monotonic();
    await platform.until(cache.leaderOf('there', 0));
    expect(platform.clock.monotonic()).toBe(before);
    cache.close();
  });

  it('retries lost connections until the deadline, then TM2001', async () => {
    const { platform, kafka, cache } = setUp();
    kafka.topic('a');
    kafka.script('metadata', ...Array.from({ length: 1000 }, () => () => connectionLost('Metadata')));
    await expect(platform.until(cache.leaderOf('a', 0))).rejects.toMatchObject({
      code: 'TM2001',
      reaction: 'retry',
    });
    const attempts = kafka.callsOf('metadata').length;
    expect(attempts).toBeGreaterThan(50);
    expect(attempts).toBeLessThan(200);
  });

  it('fails at once when not authorised', async () => {
    const { platform, kafka, cache } = setUp();
    const topic = { topic: 'a', topicId: '', errorCode: 29, isInternal: false, partitions: [] };
    kafka.script('metadata', () => ({ clusterId: 'c', controllerId: 1, brokers: [], topics: [topic] }));
    await expect(cache.leaderOf('a', 0)).rejects.toMatchObject({ code: 'TM2008' });
    expect(platform.clock.monotonic()).toBe(0);
  });

  it('says TM2004 for a partition that does not exist', async () => {
    const { platform, kafka, cache } = setUp();
    kafka.topic('a', 2);
    await expect(platform.until(cache.leaderOf('a', 2))).rejects.toMatchObject({ code: 'TM2004' });
  });

  it('knows the cluster id without a topic', async () => {
    const { kafka, cache } = setUp();
    expect(await cache.clusterId()).toBe('fake');
    expect(kafka.callsOf('metadata')).toEqual([[[]]]);
  });

  it('close fails who waits and leaves no timer', async () => {
    const { platform, cache } = setUp();
    const leader = cache.leaderOf('nope', 0);
    leader.catch(() => undefined);
    await platform.advance(100);
    cache.close();
    await expect(leader).rejects.toMatchObject({ code: 'TM2001', reaction: 'stop' });
    await platform.settle();
    expect(platform.pendingTimers()).toBe(0);
  });
});
