import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestRecord } from '../support/kafka-tools';
import { TestBench, type BenchRun } from '../support/test-bench';
import { waitFor } from '../support/wait';
import { tidemark, type ProcessEnd } from '../support/tidemark-process';

jest.setTimeout(90_000);

const JOB = join(__dirname, 'jobs', 'totals.ts');
const WAVE = 100;

let bench: TestBench;

beforeAll(async () => {
  bench = await TestBench.open();
});

afterAll(() => bench.close());

function wave(): TestRecord[] {
  return Array.from({ length: WAVE }, (_, i) => ({
    key: `u${i % 10}`,
    value: JSON.stringify({ user: `u${i % 10}` }),
  }));
}

interface Case {
  readonly run: BenchRun;
  readonly input: string;
  readonly output: string;
  readonly changelog: string;
}

/** A job that has processed one wave of its input, in one partition, and is down. */
async function downAfterOneWave(app: string): Promise<Case> {
  const [input, output] = [`${app}-in`, `${app}-out`];
  await Promise.all([bench.tools.createTopic(input, 1), bench.tools.createTopic(output, 1)]);
  await bench.tools.produce(input, wave());
  const env = { JOB_INPUT: input, JOB_OUTPUT: output, JOB_SHAPE: 'in-place' };
  // A job that failed counts as running until its session is over.
  const set = { 'kafka.session-timeout': '6 s', 'kafka.heartbeat-interval': '1 s' };
  const run = { job: JOB, app, env, set };
  expect(await bench.toEnd(run)).toMatchObject({ code: 0, stderr: '' });
  return { run, input, output, changelog: `${app}-${input}-changelog` };
}

function expectStop(end: ProcessEnd, exitCode: number, code: string, ...words: readonly string[]): void {
  expect(end.stderr).toMatch(new RegExp(`^${code} [^\\n]*\\n$`));
  for (const word of words) expect(end.stderr).toContain(word);
  expect(end.code).toBe(exitCode);
}

async function reset(app: string): Promise<void> {
  const gone = async (): Promise<true | undefined> =>
    (await bench.tools.members(app)) === 0 ? true : undefined;
  await waitFor(`the end of the session of ${app}`, gone);
  const words = ['reset', app, '--yes', '--brokers', bench.brokers, '--state-dir', join(bench.folder, app)];
  expect(await tidemark(words)).toMatchObject({ code: 0, stderr: '' });
}

test('input deleted before it was read: TM4003 names partition, offset and reset, which is the way out', async () => {
  const { run, input, output } = await downAfterOneWave('expired');
  await bench.tools.produce(input, wave());
  await bench.tools.deleteRecords(input, 0, WAVE + 30);
  const before = await bench.judge.dump(output);
  for (let start = 1; start <= 2; start++) {
    expectStop(await bench.toEnd(run), 1, 'TM4003', `(${input}-0@${WAVE})`, `${WAVE + 30}`, 'tidemark reset');
  }
  expect(await bench.judge.dump(output)).toEqual(before);
  await reset('expired');
  const env = { ...run.env, JOB_OUTPUT: 'expired-out-2' };
  await bench.tools.createTopic('expired-out-2', 1);
  expect(await bench.toEnd({ ...run, env })).toMatchObject({ code: 0, stderr: '' });
  expect(await bench.judge.clicks('expired-out-2', WAVE - 30)).toMatchObject({ ok: true, total: WAVE - 30 });
});

test('changelog truncated: the local store bridges it; without that, TM4002 and nothing is counted anew', async () => {
  const { run, input, output, changelog } = await downAfterOneWave('truncated');
  // The broker deletes records only of a topic whose policy allows it: somebody must have meddled.
  await bench.tools.configure(changelog, { 'cleanup.policy': 'compact,delete' });
  const [ends] = await bench.judge.ends(changelog);
  await bench.tools.deleteRecords(changelog, 0, (ends?.hw ?? 0) - 1);
  await bench.tools.produce(input, wave());
  expect(await bench.toEnd(run)).toMatchObject({ code: 0, stderr: '' });
  expect(await bench.judge.clicks(output, 2 * WAVE)).toMatchObject({ ok: true, total: 2 * WAVE });
  await rm(join(bench.folder, 'truncated'), { recursive: true });
  await bench.tools.produce(input, wave());
  expectStop(await bench.toEnd(run), 1, 'TM4002', `(${changelog}-0)`, 'tidemark reset');
  expect(await bench.judge.clicks(output, 2 * WAVE)).toMatchObject({ ok: true, total: 2 * WAVE });
});

test('changelog deleted, or created anew: TM4002 at start', async () => {
  const { run, changelog } = await downAfterOneWave('deleted');
  await bench.tools.deleteTopic(changelog);
  expectStop(await bench.toEnd(run), 2, 'TM4002', changelog, 'is gone', 'tidemark reset deleted');
  await bench.tools.createTopic(changelog, 1, { 'cleanup.policy': 'compact' });
  expectStop(await bench.toEnd(run), 2, 'TM4002', changelog, 'created anew', 'tidemark reset deleted');
});

test('control topic deleted: TM4002 at start, and the state is not taken for new', async () => {
  const { run, input, output } = await downAfterOneWave('headless');
  await bench.tools.deleteTopic('headless-control');
  await bench.tools.produce(input, wave());
  expectStop(await bench.toEnd(run), 2, 'TM4002', 'headless-control', 'tidemark reset headless');
  expect(await bench.judge.clicks(output, WAVE)).toMatchObject({ ok: true, total: WAVE });
});

test('group offsets moved while the job was down: TM4004 names both and the way out; put back, the job goes on', async () => {
  const { run, input, output } = await downAfterOneWave('moved');
  await bench.tools.produce(input, wave());
  for (const offset of [WAVE - 60, WAVE + 60]) {
    await bench.tools.setOffset('moved', input, 0, offset);
    const words = [
      `(${input}-0)`,
      String(offset),
      String(WAVE),
      'tidemark reset moved --to-earliest',
      '--to-datetime',
    ];
    expectStop(await bench.toEnd(run), 2, 'TM4004', ...words);
  }
  await bench.tools.setOffset('moved', input, 0, WAVE);
  expect(await bench.toEnd(run)).toMatchObject({ code: 0, stderr: '' });
  expect(await bench.judge.clicks(output, 2 * WAVE)).toMatchObject({ ok: true, total: 2 * WAVE });
});

test('partitions added to a source: TM4006 at start', async () => {
  const { run, input } = await downAfterOneWave('grown');
  await bench.tools.addPartitions(input, 3);
  expectStop(
    await bench.toEnd(run),
    2,
    'TM4006',
    input,
    'had 1 partition',
    'now has 3',
    'tidemark reset grown',
  );
});
