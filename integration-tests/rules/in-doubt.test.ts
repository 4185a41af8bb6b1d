import { findInconsistencies } from '../exactly-once/consistency';
import type { ProxiedApi } from '../support/tcp-proxy';
import { countingJob, RuleBench } from './rule-bench';

jest.setTimeout(120_000);

let bench: RuleBench;
beforeAll(async () => {
  bench = await RuleBench.openProxied();
});
afterAll(() => bench.close());

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

describe('A4: a commit in doubt is resolved by fencing and reading, and the output stays exact', () => {
  it.each(CASES)('%s, lost %s', async (api, lose, after) => {
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
    expect(job.codes()).toContain('TM5004');
    expect(await bench.judge.clicks(topics.output, CLICKS)).toMatchObject({
      ok: true,
      total: CLICKS,
      repeats: 0,
      gaps: 0,
    });
    if (api === 'EndTxn')
      expect(await findInconsistencies(bench.judge, app, stages, [topics.output])).toEqual([]);
  });
});
