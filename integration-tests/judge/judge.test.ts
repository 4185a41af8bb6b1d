import { CompressionTypes, Kafka, logLevel, type Message } from 'kafkajs';
import { obtainKafka, type KafkaHandle } from '../../src/provision';
import { createJudge, type Judge } from './judge';
import { describeWithLocalKafka } from './local-kafka-missing';

jest.setTimeout(240_000);

const VERSIONS = ['4.4.0', '3.9.1'];

interface Count {
  readonly user: string;
  readonly count: number;
  readonly partition?: number;
}

describeWithLocalKafka(VERSIONS)('judge', () => {
  describe.each(VERSIONS)('on Kafka %s', (version) => {
    let handle: KafkaHandle;
    let judge: Judge;
    let client: Kafka;
    let topics = 0;

    beforeAll(async () => {
      handle = await obtainKafka({ source: 'local', version });
      judge = await createJudge(handle);
      client = new Kafka({ brokers: [...handle.brokers], logLevel: logLevel.NOTHING });
    });

    afterAll(() => handle.stop());

    async function createTopic(): Promise<string> {
      const topic = `topic-${(topics += 1)}`;
      const admin = client.admin();
      await admin.connect();
      await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] });
      await admin.disconnect();
      return topic;
    }

    async function write(topic: string, messages: Message[]): Promise<void> {
      const producer = client.producer();
      await producer.connect();
      await producer.send({ topic, acks: -1, compression: CompressionTypes.None, messages });
      await producer.disconnect();
    }

    const asNumber = ({ user, count, partition = 0 }: Count): Message => ({
      key: user,
      value: `${count}`,
      partition,
    });
    const asObject = ({ user, count, partition = 0 }: Count): Message => ({
      value: JSON.stringify({ user_id: user, count, ts: 1 }),
      partition,
    });

    const right: Count[] = [
      { user: 'a', count: 1 },
      { user: 'b', count: 1, partition: 1 },
      { user: 'a', count: 2 },
      { user: 'a', count: 3 },
    ];

    it.each([
      ['numbers', asNumber],
      ['objects', asObject],
    ])('finds counts written as %s right', async (_form, render) => {
      const topic = await createTopic();
      await write(topic, right.map(render));
      const verdict = await judge.clicks(topic, 4);
      expect(verdict).toMatchObject({
        ok: true,
        total: 4,
        keys: 2,
        records: 4,
        gaps: 0,
        repeats: 0,
        firstProblems: [],
      });
      expect(await judge.clicks(topic, 5)).toMatchObject({
        ok: false,
        firstProblems: ['the last counts sum to 4, not to 5'],
      });
    });

    it.each([
      ['a repeat', { user: 'a', count: 3 }, 4, { repeats: 1 }],
      ['a gap', { user: 'a', count: 5 }, 6, { gaps: 1 }],
      ['a user in two partitions', { user: 'b', count: 2, partition: 0 }, 5, { misplaced: 1 }],
      ['no whole number', { user: 'a', count: 3.5 }, 4, { malformed: 1 }],
    ])('finds %s, though the total holds', async (_what, wrong: Count, total, found) => {
      const topic = await createTopic();
      await write(topic, right.map(asNumber));
      await write(topic, [asNumber(wrong)]);
      const verdict = await judge.clicks(topic, total);
      expect(verdict).toMatchObject({ ok: false, total, ...found });
      expect(verdict.firstProblems.length).toBeGreaterThan(0);
    });

    it('sees an open transaction, and its end', async () => {
      const topic = await createTopic();
      await write(topic, [{ key: 'k', value: 'v', partition: 0, headers: { h: Buffer.from([0, 255]) } }]);
      // Also makes the group's coordinator load, for which the producer of kafkajs does not wait.
      expect(await judge.group('judged-group')).toEqual([]);
      const producer = client.producer({
        transactionalId: 'judged',
        maxInFlightRequests: 1,
        idempotent: true,
      });
      await producer.connect();
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ key: null, value: null, partition: 0 }] });

      expect(await judge.ends(topic)).toEqual([
        { partition: 0, start: 0, lso: 1, hw: 2 },
        { partition: 1, start: 0, lso: 0, hw: 0 },
      ]);
      const open = await judge.transactions();
      expect(open).toEqual([
        expect.objectContaining({ transactionalId: 'judged', partitions: [`${topic}-0`] }),
      ]);
      expect(await judge.dump(topic)).toHaveLength(1);
      expect(await judge.dump(topic, { isolation: 'read_uncommitted' })).toHaveLength(2);

      const committed = [{ topic, partitions: [{ partition: 1, offset: '17' }] }];
      await transaction.sendOffsets({ consumerGroupId: 'judged-group', topics: committed });
      await transaction.commit();
      await producer.disconnect();
      expect(await judge.dump(topic)).toEqual([
        {
          partition: 0,
          offset: 0,
          timestamp: expect.any(Number),
          key: Buffer.from('k'),
          value: Buffer.from('v'),
          headers: [{ key: 'h', value: Buffer.from([0, 255]) }],
        },
        { partition: 0, offset: 1, timestamp: expect.any(Number), key: null, value: null, headers: [] },
      ]);
      expect(await judge.group('judged-group')).toEqual([
        expect.objectContaining({ topic, partition: 1, offset: 17 }),
      ]);
    });

    it('writes clicks, the same for the same seed', async () => {
      const [one, two] = [await createTopic(), await createTopic()];
      const options = { count: 3000, users: 20, seed: 7 };
      expect(await judge.produceClicks({ topic: one, ...options })).toMatchObject({
        records: 3000,
        users: 20,
      });
      await judge.produceClicks({ topic: two, ...options, compression: 'lz4' });
      const clicks = await judge.dump(one);
      expect(clicks).toEqual(await judge.dump(two));
      const [first] = clicks;
      const click = JSON.parse(String(first?.value)) as { userId: string };
      expect(click).toEqual({
        userId: String(first?.key),
        page: expect.stringMatching(/^\/p\/\d{1,3}$/),
        ts: first?.timestamp,
        amount: expect.any(Number),
      });
      expect(await judge.dump(one, { limit: 5 })).toHaveLength(5);
    });

    it('writes clicks without key on demand', async () => {
      const topic = await createTopic();
      await judge.produceClicks({ topic, count: 10, users: 3, key: 'none' });
      expect((await judge.dump(topic)).map((record) => record.key)).toEqual(Array(10).fill(null));
    });

    it('rejects when it cannot judge', async () => {
      await expect(judge.clicks('absent', 1)).rejects.toThrow(/judge clicks failed/);
    });
  });
});
