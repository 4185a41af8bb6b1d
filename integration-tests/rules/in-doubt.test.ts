import { findInconsistencies } from '../exactly-once/consistency';
import type { ProxiedApi } from '../support/tcp-proxy';
import { TRANSACTION_VERSION, VERSIONS } from '../exactly-once/matrix';
import { describeWithLocalKafka } from '../judge/local-kafka-missing';
import { waitFor } from '../support/wait';
import { countingJob, RuleBench } from './rule-bench';

jest.setTimeout(120_000);

let bench: RuleBench;

const CLICKS = 20_000;
/** So that there are some twenty epochs to lose something of. */
const SMALL_EPOCHS = {
  'execution.epoch.interval': '20 ms',
  'execution.epoch.max-output-bytes': '64 kb',
  'kafka.fetch.max-partition-bytes': '16 kb',
};

const CASES: readonly (readonly [ProxiedApi, 'request' | 'answer', number])[] = [
  ['EndTxn', 'request', 2],
  ['EndTxn', 'answer', 2],
  ['AddPartitionsToTxn', 'request', 2],
  ['AddPartitionsToTxn', 'answer', 2],
  ['AddOffsetsToTxn', 'answer', 2],
  ['Produce', 'request', 3],
  ['Produce', 'answer', 3],
  ['TxnOffsetCommit', 'request', 2],
  ['TxnOffsetCommit', 'answer', 2],
];

/** Requests of transaction version 1 (KIP-890). */
const ONLY_VERSION_1: readonly ProxiedApi[] = ['AddPartitionsToTxn', 'AddOffsetsToTxn'];

describeWithLocalKafka(VERSIONS).each(VERSIONS)('on Kafka %s', (version) => {
  beforeAll(async () => {
    bench = await RuleBench.openProxied(version);
  });
  afterAll(() => bench.close());

  describe('A4: a commit in doubt is resolved by fencing and reading, and the output stays exact', () => {
    const cases = CASES.filter(
      ([api]) => TRANSACTION_VERSION[version] === 1 || !ONLY_VERSION_1.includes(api),
    );
    it.each(cases)('%s, lost %s', async (api, lose, after) => {
      const app = `doubt-${api}-${lose}`.toLowerCase();
      const topics = await bench.topicsOf(app);
      const stages = [
        { input: topics.input, changelog: `${app}-${topics.input}-changelog` },
        { input: `${app}-by-user-shuffle`, changelog: `${app}-by-user-changelog` },
      ];
      await bench.judge.produceClicks({ topic: topics.input, count: CLICKS, users: 50 });
      // Several losses in a row: the epoch that follows an abort may be lost as well.
      const losses = [after, after + 3].map((passed) => bench.proxy!.arm({ api, lose, after: passed }));
      const job = await bench.toEnd(countingJob(topics), app, SMALL_EPOCHS);
      expect(losses.every(({ happened }) => happened)).toBe(true);
      expect(await bench.judge.clicks(topics.output, CLICKS)).toMatchObject({
        ok: true,
        total: CLICKS,
        repeats: 0,
        gaps: 0,
      });
      if (api === 'EndTxn')
        expect(await findInconsistencies(bench.judge, app, stages, [topics.output])).toEqual([]);
      expect(job.codes()).toContain('TM5004');
    });
  });

  describe('C4: nothing is processed before the start is committed', () => {
    it('first epochs that fail do not move the start of a `latest` job: no click that it has seen is passed over', async () => {
      const app = 'unpinned';
      const topics = await bench.topicsOf(app);
      const firstSeen = new Map<number, number>();
      const onClick = ({ partition, offset }: { partition: number; offset: number }): void => {
        firstSeen.set(partition, Math.min(offset, firstSeen.get(partition) ?? Infinity));
      };
      // Clicks come all the time, also while the start is resolved and pinned.
      let feeding = true;
      const feed = (async () => {
        for (let seed = 0; feeding; seed++)
          await bench.judge.produceClicks({ topic: topics.input, count: 6000, users: 40, seed, rate: 2000 });
      })();
      await waitFor('the first clicks', async () =>
        (await bench.judge.ends(topics.input)).every(({ hw }) => hw > 5) ? true : undefined,
      );
      const losses = [1, 2, 3].map(() => bench.proxy!.arm({ api: 'EndTxn', lose: 'request' }));
      const job = await bench.start(countingJob(topics, { startFrom: 'latest', onClick }), app);
      await waitFor('a click behind the losses', () =>
        losses.every(({ happened }) => happened) && firstSeen.size > 0 ? true : undefined,
      );
      feeding = false;
      await feed;
      await job.run.stop();
      await bench.toEnd(countingJob(topics, { startFrom: 'latest' }), app);
      const ends = await bench.judge.ends(topics.input);
      const wanted = ends.reduce((sum, { partition, hw }) => sum + hw - (firstSeen.get(partition) ?? hw), 0);
      expect(wanted).toBeGreaterThan(0);
      expect(await bench.judge.clicks(topics.output, wanted)).toMatchObject({ ok: true, total: wanted });
    });
  });
});
