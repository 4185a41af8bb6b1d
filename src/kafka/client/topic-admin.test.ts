import { deleteTopics, describeTopics, ensureTopics, topicConfigs } from './topic-admin';
import { connectionLost, FakeKafkaPort } from './testing/fake-port';
import { VirtualPlatform } from './testing/virtual-platform';

function setUp() {
  const platform = new VirtualPlatform();
  return { platform, kafka: new FakeKafkaPort(platform) };
}

const NEW = { topic: 't', partitions: 2, replicationFactor: -1, configs: { 'cleanup.policy': 'compact' } };

describe('ensureTopics', () => {
  it('creates what is missing, with its settings, and leaves the rest alone', async () => {
    const { platform, kafka } = setUp();
    kafka.topic('there', 3);
    await platform.until(
      ensureTopics(kafka.port, platform, [NEW, { ...NEW, topic: 'there', partitions: 3 }]),
    );
    expect(kafka.callsOf('createTopics')).toEqual([[[NEW]]]);
    expect(kafka.topics.get('t')).toHaveLength(2);
  });

  it('survives another instance that is faster, and lost connections', async () => {
    const { platform, kafka } = setUp();
    kafka.script('metadata', () => connectionLost('Metadata'));
    kafka.script('createTopics', () => {
      kafka.topic('t', 2);
      return [{ topic: 't', errorCode: 36, errorMessage: 'exists' }];
    });
    await platform.until(ensureTopics(kafka.port, platform, [NEW]));
  });

  it('waits for leaders', async () => {
    const { platform, kafka } = setUp();
    const [first] = kafka.topic('t', 2);
    first!.leader = -1;
    let done = false;
    const ensured = ensureTopics(kafka.port, platform, [NEW]).then(() => (done = true));
    await platform.advance(1000);
    expect(done).toBe(false);
    first!.leader = 1;
    await platform.until(ensured, 2000);
  });

  it('TM2004 with both counts', async () => {
    const { platform, kafka } = setUp();
    kafka.topic('t', 5);
    await expect(ensureTopics(kafka.port, platform, [NEW])).rejects.toMatchObject({
      code: 'TM2004',
      reaction: 'usage',
      message: 'topic t has 5 partitions, the job needs 2',
    });
  });

  it('says what the broker said when it refuses', async () => {
    const { platform, kafka } = setUp();
    kafka.script('createTopics', () => [{ topic: 't', errorCode: 38, errorMessage: 'only 1 broker' }]);
    await expect(ensureTopics(kafka.port, platform, [NEW])).rejects.toMatchObject({
      code: 'TM2005',
      where: expect.stringContaining('only 1 broker'),
    });
  });

  it('gives up at its deadline', async () => {
    const { platform, kafka } = setUp();
    kafka.topic('t', 2)[0]!.leader = -1;
    const ensured = platform.until(ensureTopics(kafka.port, platform, [NEW], 3000));
    await expect(ensured).rejects.toMatchObject({ code: 'TM2002', reaction: 'retry' });
    expect(platform.clock.monotonic()).toBeLessThanOrEqual(3000);
  });
});

describe('describeTopics, deleteTopics, topicConfigs', () => {
  it('describes what is there and what is not', async () => {
    const { kafka } = setUp();
    kafka.topic('t', 2);
    const described = await describeTopics(kafka.port, ['t', 'nope']);
    expect(described.get('t')?.partitions).toHaveLength(2);
    expect(described.get('nope')).toBeNull();
  });

  it('deletes, and takes a missing topic for deleted', async () => {
    const { platform, kafka } = setUp();
    kafka.topic('t');
    kafka.topic('kept');
    await platform.until(deleteTopics(kafka.port, platform, ['t', 'nope']));
    expect([...kafka.topics.keys()]).toEqual(['kept']);
  });

  it('does not repeat a deletion that is refused', async () => {
    const { platform, kafka } = setUp();
    kafka.topic('t');
    kafka.script('deleteTopics', () => [{ topic: 't', errorCode: 73, errorMessage: null }]);
    await expect(deleteTopics(kafka.port, platform, ['t'])).rejects.toMatchObject({
      code: 'TM2002',
      reaction: 'stop',
    });
  });

  it('returns settings by topic', async () => {
    const { platform, kafka } = setUp();
    const configs = new Map([['retention.ms', '5']]);
    kafka.script(
      'describeConfigs',
      () => connectionLost('DescribeConfigs'),
      () => [{ type: 'topic', name: 't', errorCode: 0, configs }],
      () => [{ type: 'topic', name: 't', errorCode: 3, configs: new Map() }],
    );
    expect(await platform.until(topicConfigs(kafka.port, platform, ['t']))).toEqual(
      new Map([['t', configs]]),
    );
    await expect(topicConfigs(kafka.port, platform, ['t'])).rejects.toMatchObject({ code: 'TM2003' });
  });
});
