import type { Bench } from '../bench';
import { nameOf, OK } from '../errors';

/** Topics, their settings, and what the cluster says of itself. */
export function admin(bench: Bench): void {
  const create = async (topic: string, change: object = {}, validateOnly = false): Promise<string> => {
    const wanted = { topic, partitions: 1, replicationFactor: bench.brokers, configs: {}, ...change };
    const [answer] = await bench.port.createTopics([wanted], { validateOnly });
    expect(answer?.topic).toBe(topic);
    return nameOf(answer);
  };

  it('describes the brokers', async () => {
    const { brokers, topics, clusterId, controllerId } = await bench.port.metadata([]);
    expect(brokers.map(({ nodeId }) => nodeId).sort()).toEqual([1, 2, 3].slice(0, bench.brokers));
    expect(clusterId).not.toBe('');
    expect(brokers.map(({ nodeId }) => nodeId)).toContain(controllerId);
    expect(topics).toEqual([]);
    expect((await bench.late.metadata([])).clusterId).toBe(clusterId);
  });

  it('describes one topic, and all of them', async () => {
    const topic = await bench.topic(2);
    const [found] = (await bench.port.metadata([topic.name])).topics;
    expect(found).toMatchObject({ topic: topic.name, errorCode: 0, isInternal: false });
    expect(found?.topicId).toMatch(/^[\w-]{22}$/);
    expect(found?.partitions.map(({ partition }) => partition).sort()).toEqual([0, 1]);
    for (const partition of found?.partitions ?? []) {
      expect(partition).toMatchObject({ errorCode: 0, leaderEpoch: 0 });
      expect([...partition.replicas].sort()).toEqual([1, 2, 3].slice(0, bench.brokers));
      expect(partition.replicas).toContain(partition.leader);
    }
    const all = (await bench.port.metadata(null)).topics;
    expect(all.map((one) => one.topic)).toContain(topic.name);
  });

  it('does not make a topic by asking for it', async () => {
    const name = bench.name('topic');
    for (let i = 0; i < 2; i++) {
      const [found] = (await bench.port.metadata([name])).topics;
      expect(nameOf(found)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    }
  });

  it('creates a topic once', async () => {
    const name = bench.name('topic');
    expect(await create(name)).toBe(OK);
    expect(await create(name)).toBe('TOPIC_ALREADY_EXISTS');
    const [answer] = await bench.port.createTopics([
      { topic: name, partitions: 1, replicationFactor: bench.brokers, configs: {} },
    ]);
    expect(answer?.errorMessage).toContain(name);
  });

  it('refuses topics that cannot be', async () => {
    expect(await create('no/such name')).toBe('INVALID_TOPIC_EXCEPTION');
    expect(await create(bench.name('topic'), { partitions: 0 })).toBe('INVALID_PARTITIONS');
    expect(await create(bench.name('topic'), { replicationFactor: 4 })).toBe('INVALID_REPLICATION_FACTOR');
    expect(await create(bench.name('topic'), { configs: { 'no.such': 'x' } })).toBe('INVALID_CONFIG');
    expect(await create(bench.name('topic'), { configs: { 'cleanup.policy': 'x' } })).toBe('INVALID_CONFIG');
  });

  it('validates without creating', async () => {
    const name = bench.name('topic');
    expect(await create(name, {}, true)).toBe(OK);
    expect(await create(name, { configs: { 'no.such': 'x' } }, true)).toBe('INVALID_CONFIG');
    expect(nameOf((await bench.port.metadata([name])).topics[0])).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });

  it('creates some of a request and refuses the others', async () => {
    const topic = await bench.topic();
    const names = [topic.name, bench.name('topic')];
    const wanted = names.map((name) => ({
      topic: name,
      ...{ partitions: 1, replicationFactor: bench.brokers, configs: {} },
    }));
    const answers = await bench.port.createTopics(wanted);
    const errors = names.map((name) => nameOf(answers.find((answer) => answer.topic === name)));
    expect(errors).toEqual(['TOPIC_ALREADY_EXISTS', OK]);
  });

  it('takes -1 for its own default replication', async () => {
    const name = bench.name('topic');
    expect(await create(name, { replicationFactor: -1 })).toBe(OK);
    const replicas = await bench.eventually('the topic', async () => {
      const [found] = (await bench.port.metadata([name])).topics;
      return found?.partitions[0]?.replicas;
    });
    expect(replicas).toHaveLength(bench.brokers);
  });

  it('deletes a topic, and makes another one of that name', async () => {
    const topic = await bench.topic();
    const [before] = (await bench.port.metadata([topic.name])).topics;
    expect(nameOf((await bench.port.deleteTopics([topic.name]))[0])).toBe(OK);
    await bench.eventually('the end of the topic', async () =>
      nameOf((await bench.port.metadata([topic.name])).topics[0]) === OK ? undefined : true,
    );
    expect(nameOf((await bench.port.deleteTopics([topic.name]))[0])).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(await create(topic.name)).toBe(OK);
    const after = await bench.eventually('the new topic', async () => {
      const [found] = (await bench.port.metadata([topic.name])).topics;
      return found?.errorCode === 0 ? found : undefined;
    });
    expect(after.topicId).not.toBe(before?.topicId);
  });

  it('shows the settings of topics and brokers', async () => {
    const topic = await bench.topic(1, { 'retention.ms': '3600000', 'cleanup.policy': 'compact' });
    const [ofTopic] = await bench.port.describeConfigs([{ type: 'topic', name: topic.name }]);
    expect(ofTopic).toMatchObject({ type: 'topic', name: topic.name, errorCode: 0 });
    const shown = [
      'retention.ms',
      'cleanup.policy',
      'max.message.bytes',
      'min.insync.replicas',
      'delete.retention.ms',
    ];
    const inSync = bench.brokers === 1 ? '1' : '2';
    expect(shown.map((name) => ofTopic?.configs.get(name))).toEqual([
      ...['3600000', 'compact', '1048588', inSync, '86400000'],
    ]);
    const [ofBroker] = await bench.port.describeConfigs([{ type: 'broker', name: '1' }]);
    expect(ofBroker).toMatchObject({ type: 'broker', name: '1', errorCode: 0 });
    expect(ofBroker?.configs.get('transaction.max.timeout.ms')).toBe('900000');
    const [missing] = await bench.port.describeConfigs([{ type: 'topic', name: bench.name('topic') }]);
    expect(nameOf(missing)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });

  it('says per partition that a topic is not there', async () => {
    const [answer] = await bench.port.listOffsets(1, 'read_committed', [
      { topic: bench.name('topic'), partition: 0, timestamp: -1n },
    ]);
    expect(nameOf(answer)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });

  it('takes nothing after close', async () => {
    const port = bench.connect();
    await port.metadata([]);
    await port.close();
    await port.close();
    await expect(port.metadata([])).rejects.toMatchObject({ name: 'KafkaRequestError', definite: true });
  });

  it('ends a long poll by closing its client', async () => {
    const topic = await bench.topic();
    const port = bench.connect();
    const leader = await topic.leader();
    const poll = port.fetch(leader, {
      ...{ isolation: 'read_committed', maxWaitMs: 30_000, minBytes: 1, maxBytes: 1_000 },
      partitions: [{ ...topic.at(), fetchOffset: 0n, currentLeaderEpoch: -1, maxBytes: 1_000 }],
    });
    const ended = expect(poll).rejects.toMatchObject({ name: 'KafkaRequestError', api: 'Fetch' });
    await bench.sleep(50);
    await port.close();
    await ended;
  });
}
