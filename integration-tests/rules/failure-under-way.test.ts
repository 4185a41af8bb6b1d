import { endOffsets } from '../../src/kafka/client/offsets';
import { waitFor } from '../support/wait';
import { countingJob, PARTITIONS, RuleBench } from './rule-bench';

jest.setTimeout(120_000);

const CLICKS = 30_000;

let bench: RuleBench;
beforeAll(async () => {
  bench = await RuleBench.open('4.4.0');
});
afterAll(() => bench.close());

it('a job that stops for good leaves no transaction open behind it: readers of its output need not wait for the time-out', async () => {
  for (const attempt of [1, 2, 3, 4, 5, 6]) {
    const app = `giving-up-${attempt}`;
    const topics = await bench.topicsOf(app);
    await bench.judge.produceClicks({ topic: topics.input, count: CLICKS, users: 50 });
    let seen = 0;
    const beforeCount = (): void => {
      if (++seen === 12_000 + attempt * 777) throw new Error('a record that nobody can count');
    };
    const job = await bench.start(countingJob(topics, { beforeCount }), app, {
      'execution.epoch.interval': '20 ms',
      'kafka.fetch.max-partition-bytes': '16 kb',
    });
    await expect(job.run.finished).rejects.toMatchObject({ code: 'TM3002' });
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({
      topic: topics.output,
      partition,
    }));
    await waitFor(
      `the end of all transactions in ${topics.output}, attempt ${attempt}`,
      async () => {
        const end = await endOffsets(bench.client, partitions, 'read_uncommitted');
        const stable = await endOffsets(bench.client, partitions, 'read_committed');
        return [...end].every(([key, offset]) => stable.get(key) === offset) ? true : undefined;
      },
      { limitMs: 5_000 },
    );
  }
});
