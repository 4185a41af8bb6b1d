import { findInconsistencies } from '../exactly-once/consistency';
import type { ProxiedApi } from '../support/tcp-proxy';
import { countingJob, RuleBench } from './rule-bench';

jest.setTimeout(120_000);

let bench: RuleBench;
beforeAll(async () => {
  bench = await RuleBench.openProxied();
});
afterAll(() => bench.close());

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
    await bench.judge.produceClicks({ topic: topics.input, count: 6000, users: 50 });
    // Several losses in a row: the epoch that follows an abort may be lost as well.
    const lost = [after, after + 3].map((passed) => bench.proxy!.arm({ api, lose, after: passed }));
    const settings = { 'execution.epoch.interval': '20 ms', 'kafka.fetch.max-partition-bytes': '8 kb' };
    const job = await bench.toEnd(countingJob(topics), app, settings);
    await Promise.all(lost);
    expect(job.codes()).toContain('TM5004');
    expect(await bench.judge.clicks(topics.output, 6000)).toMatchObject({ ok: true, total: 6000, repeats: 0, gaps: 0 });
    expect(await findInconsistencies(bench.judge, app, stages, [topics.output])).toEqual([]);
  });
});
