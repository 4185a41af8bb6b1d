import { join } from 'node:path';
import type { TestRecord } from '../support/kafka-tools';
import { TestBench, type BenchRun } from '../support/test-bench';
import type { LogLine } from '../support/tidemark-process';
import { systemPlatform } from '../../src/util/system';

jest.setTimeout(120_000);

const JOB = join(__dirname, 'jobs', 'totals.ts');
const WAVE = 200;
const AWAY_MS = 12_000;

let bench: TestBench;
let run: BenchRun;
let total = 0;

beforeAll(async () => {
  bench = await TestBench.open();
  await Promise.all([bench.tools.createTopic('payments', 2), bench.tools.createTopic('totals', 2)]);
  run = { job: JOB, app: 'patient', env: { JOB_INPUT: 'payments', JOB_OUTPUT: 'totals' } };
});

afterAll(() => bench.close());

async function produceWave(): Promise<void> {
  const records = Array.from({ length: WAVE }, (_, i): TestRecord => {
    const user = `u${(i * 3) % 17}`;
    return { key: user, value: JSON.stringify({ user }), partition: i % 2 };
  });
  await bench.tools.produce('payments', records);
  total += WAVE;
}

const processed = (): Promise<void> =>
  bench.tools.committed('patient', 'payments', [total / 2, total / 2], 60_000);

/** What the job says of a broker that is away: that the epoch failed, or, when none was open, that it cannot read. */
const isTrouble = ({ level, code }: LogLine): boolean => level === 'warn' && typeof code === 'string';

/** The broker of this file, unless the environment names a cluster that must be left alone. */
function brokerToStop() {
  const [node] = bench.kafka.nodes;
  if (bench.kafka.source !== 'environment' && node !== undefined) return node;
  console.warn('skipped: the brokers of the environment cannot be stopped');
  return undefined;
}

test('the broker goes, for longer than a session, and comes back: the job waits, says so, and goes on, exact', async () => {
  const broker = brokerToStop();
  if (broker === undefined) return;
  const job = bench.start(run);
  await produceWave();
  await processed();
  await produceWave();
  await broker.stop();
  const said = await job.log(isTrouble);
  expect(said).toMatchObject({ reason: expect.stringMatching(/^TM\d{4} /) });
  await systemPlatform.scheduler.sleep(AWAY_MS);
  const tries = job.logs().filter(({ message }) => message.startsWith('recovery failed')).length;
  expect(tries).toBeLessThan(40);
  await broker.start();
  await produceWave();
  await processed();
  await broker.kill();
  await broker.start();
  await produceWave();
  await processed();
  const progress = job.logs().find(({ message }) => message === 'progress');
  expect(progress).toMatchObject({
    level: 'info',
    recordsIn: expect.any(Number),
    recordsPerSecond: expect.any(Number),
  });
  job.signal('SIGTERM');
  expect(await job.end()).toMatchObject({ code: 0, stderr: '' });
  // What waits in the shuffle topic was not asked for: it stays there for the next start.
  const stopped = await bench.judge.clicks('totals', total);
  expect(stopped).toMatchObject({ gaps: 0, repeats: 0, misplaced: 0, malformed: 0 });
  expect(stopped.total).toBeLessThanOrEqual(total);
  expect(await bench.toEnd(run)).toMatchObject({ code: 0, stderr: '' });
  expect(await bench.judge.clicks('totals', total)).toMatchObject({ ok: true, total, records: total });
});

test('SIGTERM while the broker is away: ends within 10 s, and the next start misses nothing', async () => {
  const broker = brokerToStop();
  if (broker === undefined) return;
  const job = bench.start(run);
  await produceWave();
  await processed();
  await broker.stop();
  await job.log(isTrouble);
  job.signal('SIGTERM');
  const end = await job.end(12_500);
  expect(end.stderr).toMatch(/^(TM5008 [^\n]*\n)?$/);
  expect(end.code).toBe(end.stderr === '' ? 0 : 1);
  await broker.start();
  await produceWave();
  expect(await bench.toEnd(run)).toMatchObject({ code: 0, stderr: '' });
  expect(await bench.judge.clicks('totals', total)).toMatchObject({ ok: true, total });
});
