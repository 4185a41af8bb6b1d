import { findInconsistencies } from '../exactly-once/consistency';
import { isCommitRecord, readCommitLog } from '../exactly-once/commit-log';
import { RULE_VERSIONS } from '../exactly-once/matrix';
import { describeWithLocalKafka } from '../judge/local-kafka-missing';
import { waitFor } from '../support/wait';
import { committedOf, countingJob, PARTITIONS, RuleBench } from './rule-bench';

jest.setTimeout(120_000);

let bench: RuleBench;

const SMALL_EPOCHS = {
  'execution.epoch.interval': '20 ms',
  'execution.epoch.max-output-bytes': '64 kb',
  'kafka.fetch.max-partition-bytes': '16 kb',
};

const stagesOf = (app: string, input: string) => [
  { input, changelog: `${app}-${input}-changelog` },
  { input: `${app}-by-user-shuffle`, changelog: `${app}-by-user-changelog` },
];

describeWithLocalKafka(RULE_VERSIONS).each(RULE_VERSIONS)('on Kafka %s', (version) => {
  beforeAll(async () => {
    bench = await RuleBench.open(version);
  });
  afterAll(() => bench.close());

  describe('A3: the commit record', () => {
    it('is the last record of its epoch, rises by one, tiles the input, and the group mirrors it (V3, V4)', async () => {
      const app = 'tiles';
      const topics = await bench.topicsOf(app);
      await bench.judge.produceClicks({ topic: topics.input, count: 20_000, users: 100 });
      await bench.toEnd(countingJob(topics), app, SMALL_EPOCHS);
      await bench.judge.produceClicks({ topic: topics.input, count: 500, users: 100, seed: 7 });
      await bench.toEnd(countingJob(topics), app, SMALL_EPOCHS);
      const stages = stagesOf(app, topics.input);
      expect(await findInconsistencies(bench.judge, app, stages, [topics.output])).toEqual([]);
      let epochs = 0;
      for (const { changelog } of stages) {
        const records = await bench.judge.dump(changelog);
        const log = readCommitLog(records);
        for (let partition = 0; partition < PARTITIONS; partition++) {
          const mine = records.filter((record) => record.partition === partition);
          // Nothing lies behind the last one, and every state change lies between two of them.
          expect(isCommitRecord(mine.at(-1)!)).toBe(true);
          epochs += log.get(partition)?.length ?? 0;
        }
      }
      expect(epochs).toBeGreaterThan(20);
      const state = await bench.judge.dump('tiles-by-user-changelog');
      const users = new Set(state.filter((record) => !isCommitRecord(record)).map(({ key }) => String(key)));
      expect(users.size).toBe(100);
    });

    it('carries who committed: generation, transactional id, producer', async () => {
      const [last] = (await bench.judge.dump('tiles-by-user-changelog', { key: Buffer.from([0]) })).slice(-1);
      const { offsets, ...record } = JSON.parse(String(last!.value)) as Record<string, unknown>;
      expect(record).toMatchObject({
        task: expect.stringMatching(/^by-user\/\d$/),
        incarnation: 1,
        transactionalId: 'tiles-one-0',
        producerId: expect.stringMatching(/^\d+$/),
      });
      expect(Number(record['generation'])).toBeGreaterThan(0);
      expect(Number(record['producerEpoch'])).toBeGreaterThanOrEqual(0);
      expect(offsets).toEqual({ 'tiles-by-user-shuffle': expect.any(Number) });
    });
  });

  describe('A5: an aborted epoch leaves nothing behind', () => {
    it('state, output and positions are those of the committed epochs after failures in mid-epoch', async () => {
      const app = 'aborts';
      const topics = await bench.topicsOf(app);
      await bench.judge.produceClicks({ topic: topics.input, count: 20_000, users: 20 });
      // Fails after it has counted some of an epoch's records: what it counted must be counted again, and once.
      let seen = 0;
      let thrown = 0;
      const beforeCount = (): void => {
        if (++seen % 2500 !== 0 || thrown === 5) return;
        thrown++;
        void bench.client.port.initProducerId({
          transactionalId: `${app}-one-0`,
          transactionTimeoutMs: 10_000,
          current: null,
        });
      };
      const job = await bench.toEnd(countingJob(topics, { beforeCount }), app, SMALL_EPOCHS);
      expect(thrown).toBe(5);
      expect(job.codes()).toContain('TM5001');
      expect(seen).toBeGreaterThan(20_000);
      expect(await bench.judge.clicks(topics.output, 20_000)).toMatchObject({ ok: true, total: 20_000 });
      expect(
        await findInconsistencies(bench.judge, app, stagesOf(app, topics.input), [topics.output]),
      ).toEqual([]);
    });
  });

  describe('C4: the first epoch pins the start', () => {
    it('records that come after the start of a `latest` job are not lost, although its first epochs with records abort', async () => {
      const app = 'pinned';
      const topics = await bench.topicsOf(app);
      await bench.judge.produceClicks({ topic: topics.input, count: 1000, users: 5 });
      const job = await bench.start(countingJob(topics, { startFrom: 'latest' }), app, SMALL_EPOCHS);
      await waitFor('the pinned start', async () =>
        (await committedOf(bench, app, topics.input)) === 1000 ? true : undefined,
      );
      await fence(`${app}-one-0`);
      await bench.judge.produceClicks({ topic: topics.input, count: 300, users: 5, seed: 9 });
      await job.code('TM5001');
      await waitFor('all new clicks', async () =>
        (await committedOf(bench, app, topics.input)) === 1300 ? true : undefined,
      );
      await job.run.stop();
      const again = await bench.toEnd(countingJob(topics, { startFrom: 'latest' }), app);
      expect(again.codes()).toEqual([]);
      expect(await bench.judge.clicks(topics.output, 300)).toMatchObject({ ok: true, total: 300 });
    });
  });
});

/** Takes the job's transactional id over: whatever it sends next is refused. An open transaction is waited for. */
async function fence(transactionalId: string): Promise<void> {
  await waitFor('the takeover', async () => {
    const request = { transactionalId, transactionTimeoutMs: 10_000, current: null };
    const { errorCode } = await bench.client.port.initProducerId(request);
    return errorCode === 0 ? true : undefined;
  });
}
