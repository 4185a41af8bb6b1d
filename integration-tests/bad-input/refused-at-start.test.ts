import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ENOUGH, FakeBroker } from '../../src/kafka/transport/testing/fake-broker';
import { TestBench, type BenchRun } from '../support/test-bench';
import type { ProcessEnd } from '../support/tidemark-process';

jest.setTimeout(90_000);

const TOTALS = join(__dirname, 'jobs', 'totals.ts');
const TWO_SOURCES = join(__dirname, 'jobs', 'two-sources.ts');
/** A session time-out that a killed instance outlives by little. */
const SHORT_SESSION = { 'kafka.session-timeout': '6 s', 'kafka.heartbeat-interval': '1 s' };

let bench: TestBench;

beforeAll(async () => {
  bench = await TestBench.open();
  await Promise.all([
    bench.tools.createTopic('payments', 2),
    bench.tools.createTopic('payments-wide', 3),
    bench.tools.createTopic('totals', 2),
    bench.tools.createTopic('misplaced', 2),
  ]);
  const users = Array.from({ length: 40 }, (_, i) => `u${i % 10}`);
  const records = users.map((user) => ({ key: user, value: JSON.stringify({ user }) }));
  await bench.tools.produce('payments', records);
  await bench.tools.produce(
    'misplaced',
    records.map((record, i) => ({ ...record, partition: i % 2 })),
  );
});

afterAll(() => bench.close());

/** One sentence on the standard error stream, beginning with the code. */
function expectRefusal(end: ProcessEnd, exitCode: number, code: string, ...words: readonly string[]): void {
  expect(end.stderr).toMatch(new RegExp(`^${code} [^\\n]*\\n$`));
  for (const word of words) expect(end.stderr).toContain(word);
  expect(end.code).toBe(exitCode);
}

function totals(app: string, changes: Partial<BenchRun> = {}): BenchRun {
  const env = { JOB_INPUT: 'payments', JOB_OUTPUT: 'totals', ...changes.env };
  return { job: TOTALS, app, ...changes, env };
}

test.each<[string, Partial<BenchRun>, string, readonly string[]]>([
  [
    'a source that is missing',
    { env: { JOB_INPUT: 'nowhere' } },
    'TM2003',
    ['source nowhere', 'create the topic'],
  ],
  ['a sink that is missing', { env: { JOB_OUTPUT: 'void' } }, 'TM2003', ['sink void', 'create the topic']],
  [
    'a dead-letter topic that is missing',
    { set: { 'bad-input.policy': 'dead-letter', 'bad-input.dead-letter-topic': 'grave' } },
    'TM2003',
    ['dead-letter topic grave'],
  ],
  [
    "a transaction time-out beyond the broker's",
    { set: { 'kafka.transaction-timeout': '1 h' } },
    'TM2005',
    ['3600000', '900000', 'kafka.transaction-timeout'],
  ],
  [
    'a transaction time-out that holds no two epochs',
    { set: { 'execution.epoch.interval': '40 s' } },
    'TM1002',
    ['kafka.transaction-timeout', 'execution.epoch.interval'],
  ],
  [
    'an unknown option',
    { set: { 'execution.epoch.intervall': '1 s' } },
    'TM1001',
    ['execution.epoch.intervall', 'execution.epoch.interval'],
  ],
  [
    'a malformed value',
    { set: { 'execution.epoch.interval': 'soon' } },
    'TM1001',
    ['execution.epoch.interval', 'soon'],
  ],
  [
    'contradictory options',
    { set: { 'bad-input.policy': 'dead-letter' } },
    'TM1002',
    ['bad-input.dead-letter-topic'],
  ],
  ['an unknown flag', { args: ['--brokerz', 'x'] }, 'TM1007', ['--brokerz']],
  ['a job file that is missing', { job: '/no/such/job.ts' }, 'TM1003', ['/no/such/job.ts']],
  ['worker threads beyond reason', { args: ['--executors', '1000'] }, 'TM1001', ['executors', '1000', '256']],
])('%s: exit code 2', async (_, changes, code, words) => {
  expectRefusal(await bench.toEnd(totals('refused', changes)), 2, code, ...words);
});

test('a broker that is too old: exit code 2, the API and the broker named', async () => {
  const JOIN_GROUP = 11;
  const old = await new FakeBroker().listen();
  try {
    old.offered = { ...ENOUGH, [JOIN_GROUP]: [0, 7] };
    const end = await bench.toEnd(totals('old-broker', { args: ['--brokers', old.address] }));
    const what = 'JoinGroup is needed in version 9, the broker offers 0 to 7';
    expectRefusal(end, 2, 'TM2009', what, `broker 1 at ${old.address}`, 'Kafka 3.6 or later');
    expect(old.requests(JOIN_GROUP)).toEqual([]);
  } finally {
    await old.stop();
  }
});

test('nothing is left behind by what was refused', async () => {
  expect((await bench.tools.topics()).filter((topic) => topic.startsWith('refused'))).toEqual([]);
});

test('keyed sources of unequal width in one stage that keeps state: TM2004, both named', async () => {
  const env = { JOB_LEFT: 'payments', JOB_RIGHT: 'payments-wide', JOB_OUTPUT: 'totals' };
  const end = await bench.toEnd({ job: TWO_SOURCES, app: 'unequal', env });
  expectRefusal(end, 2, 'TM2004', 'payments has 2', 'payments-wide has 3', 'equal partitions');
});

test('a source that is not partitioned as the job claims: TM3004 at the first record that shows it', async () => {
  const end = await bench.toEnd(totals('claim', { env: { JOB_INPUT: 'misplaced', JOB_SHAPE: 'in-place' } }));
  expectRefusal(end, 1, 'TM3004', 'partitionedBy');
  expect(end.stderr).toMatch(/\(misplaced-[01]@\d+\)/);
});

test('no broker at start: waits a bounded time, says what it waits for, and ends with TM2001; SIGTERM ends it sooner', async () => {
  const nobody = ['--brokers', '127.0.0.1:1', '--set', 'kafka.request-timeout=1 s'];
  const process = bench.start(totals('nobody', { args: nobody }));
  await process.log(({ message }) => message.startsWith('no broker answers yet'));
  expectRefusal(await process.end(), 1, 'TM2001', '127.0.0.1:1', 'ECONNREFUSED', 'check');
  const patient = bench.start(totals('nobody', { args: ['--brokers', '127.0.0.1:1'] }));
  await patient.log(({ message }) => message.startsWith('no broker answers yet'));
  patient.signal('SIGTERM');
  expect(await patient.end(10_000)).toMatchObject({ code: 0, stderr: '' });
});

test('an application id of another job: TM1006, after it and beside it', async () => {
  const run = totals('taken', { set: SHORT_SESSION });
  expect(await bench.toEnd(run)).toMatchObject({ code: 0, stderr: '' });
  const other: BenchRun = { ...run, instance: 'two', env: { ...run.env, JOB_SHAPE: 'in-place' } };
  const after = await bench.toEnd(other);
  expectRefusal(after, 2, 'TM1006', 'taken', 'by-user', '--application-id', 'tidemark reset taken');
  const first = bench.start(run);
  await first.log(({ message }) => message === 'task recovered');
  expectRefusal(await bench.toEnd(other), 2, 'TM1006', 'taken', '--application-id');
  first.signal('SIGTERM');
  expect(await first.end()).toMatchObject({ code: 0, stderr: '' });
});

test('an instance id that a live process of this host has: TM1012, and the first goes on', async () => {
  const run = totals('twins', { set: SHORT_SESSION });
  const first = bench.start(run);
  await bench.tools.committed('twins', 'payments', [1, 1]);
  expectRefusal(await bench.toEnd(run), 2, 'TM1012', 'instance id one', '--instance-id');
  const before = await bench.tools.offsets('twins', 'payments');
  await bench.tools.produce('payments', [{ key: 'u1', value: JSON.stringify({ user: 'u1' }), partition: 0 }]);
  await bench.tools.committed('twins', 'payments', [(before[0] ?? 0) + 1]);
  first.signal('SIGTERM');
  expect(await first.end()).toMatchObject({ code: 0, stderr: '' });
});

test('more executors than tasks: the surplus idles and says so, the job works', async () => {
  const run = totals('many', { args: ['--executors', '3'], env: { JOB_SHAPE: 'in-place' } });
  const process = bench.start(run);
  const idle = await process.log(({ message }) => message.startsWith('no task'));
  expect(idle).toMatchObject({ level: 'info', tasks: 2, executor: expect.any(Number) });
  await bench.tools.committed('many', 'payments', [1, 1]);
  process.signal('SIGTERM');
  expect(await process.end()).toMatchObject({ code: 0, stderr: '' });
});

test('a job file that throws names its file and what it threw', async () => {
  const file = join(bench.folder, 'broken.ts');
  await writeFile(file, "throw new Error('no such luck');\n");
  expectRefusal(
    await bench.toEnd(totals('broken', { job: file })),
    2,
    'TM1003',
    'broken.ts',
    'no such luck',
    '--verbose',
  );
});
