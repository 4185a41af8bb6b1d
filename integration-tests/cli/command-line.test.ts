import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KafkaTools } from '../support/kafka-tools';
import { TestBench, type BenchRun } from '../support/test-bench';
import { tidemark, TidemarkProcess, type LogLine, type ProcessEnd } from '../support/tidemark-process';
import { waitFor } from '../support/wait';

jest.setTimeout(90_000);

const JOB = join(__dirname, 'jobs', 'clicks.ts');
const CLICKS = 300_000;
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let bench: TestBench;

beforeAll(async () => {
  bench = await TestBench.open();
  const { tools, judge } = bench;
  await Promise.all(
    ['clicks', 'counts', 'small', 'small-counts', 'small-counts-2'].map((topic) =>
      tools.createTopic(topic, 2),
    ),
  );
  await judge.produceClicks({ topic: 'clicks', count: CLICKS, users: 500 });
  await judge.produceClicks({ topic: 'small', count: 1000, users: 20 });
});

afterAll(() => bench.close());

const small: BenchRun = {
  job: JOB,
  app: 'small-app',
  env: { JOB_INPUT: 'small', JOB_OUTPUT: 'small-counts' },
};

/** Any command on the bench's broker. */
function command(...words: readonly string[]): Promise<ProcessEnd> {
  return tidemark([...words, '--brokers', bench.brokers]);
}

function expectLogLines(lines: readonly LogLine[]): void {
  for (const line of lines) {
    expect(line).toMatchObject({ time: expect.stringMatching(ISO_TIME), message: expect.any(String) });
    expect(['debug', 'info', 'warn', 'error']).toContain(line['level']);
  }
}

const sum = (offsets: readonly number[]): number => offsets.reduce((all, one) => all + Math.max(0, one), 0);

describe('run', () => {
  test('SIGTERM in full flight: a final epoch with all that was read, exit code 0 within 10 s; --until-end does the rest', async () => {
    const run: BenchRun = { job: JOB, app: 'flight' };
    const job = bench.start(run);
    await bench.tools.committed('flight', 'clicks', [1000, 1000]);
    job.signal('SIGTERM');
    expect(await job.end(10_000)).toMatchObject({ code: 0, stderr: '' });
    expectLogLines(job.logs());
    expect(job.logs().map(({ message }) => message)).toEqual(
      expect.arrayContaining(['starting', 'stopping', 'done']),
    );
    const read = sum(await bench.tools.offsets('flight', 'clicks'));
    expect(read).toBeLessThan(CLICKS);
    expect(job.logs().at(-1)).toMatchObject({ message: 'done', recordsIn: read });
    expect(await bench.tools.members('flight')).toBe(0);
    expect(await bench.judge.transactions()).toEqual([]);
    const rest = bench.start({ ...run, untilEnd: true });
    expect(await rest.end()).toMatchObject({ code: 0, stderr: '' });
    expect(rest.logs().at(-1)).toMatchObject({ message: 'done', recordsIn: CLICKS - read });
    expect(await bench.judge.clicks('counts', CLICKS)).toMatchObject({
      ok: true,
      total: CLICKS,
      records: CLICKS,
    });
  });

  test('SIGINT is as good as SIGTERM, also while the job starts', async () => {
    const job = bench.start({ ...small, app: 'early' });
    await job.log(({ message }) => message === 'starting');
    job.signal('SIGINT');
    expect(await job.end(10_000)).toMatchObject({ code: 0, stderr: '' });
  });

  test('secrets are never printed: not in the configuration, not on an error path, not with --verbose', async () => {
    const file = join(bench.folder, 'secrets.yaml');
    const lines = [
      'kafka:',
      '  sasl:',
      '    mechanism: plain',
      '    username: joe',
      '    password: hunter2-hunter2',
      '  request-timeout: 1 s',
    ];
    await writeFile(file, `${lines.join('\n')}\n`);
    const args = [
      '--config',
      file,
      '--verbose',
      '--set',
      'log.level=debug',
      '--set',
      'kafka.ssl.key-passphrase=hunter2-phrase',
    ];
    // The broker speaks neither TLS nor SASL.
    const withTls = bench.start({ ...small, args });
    const plain = bench.start({
      ...small,
      instance: 'two',
      args: [...args, '--set', 'kafka.ssl.enabled=false'],
    });
    for (const process of [withTls, plain]) {
      const end = await process.end();
      expect(end.code).not.toBe(0);
      expect(end.stderr).toMatch(/^TM\d{4} /);
      expect(process.output).not.toContain('hunter2');
    }
    const { stderr } = await command(
      'status',
      'nobody',
      '--set',
      'kafka.sasl.password=hunter2',
      '--set',
      'kafka.sasl.mechanism=rot13',
    );
    expect(stderr).toMatch(/^TM1001 [^\n]*rot13/);
    expect(stderr).not.toContain('hunter2');
  });
});

describe('status, reset', () => {
  test('status while running and while down, for people and for programs', async () => {
    const job = bench.start(small);
    await bench.tools.committed('small-app', 'small', [1, 1]);
    const drained = async (): Promise<Record<string, unknown> | undefined> => {
      const { stdout } = await command('status', 'small-app', '--json');
      const status = JSON.parse(stdout) as Record<string, unknown>;
      return status['lag'] === '0' ? status : undefined;
    };
    const running = await waitFor('lag 0', drained, { limitMs: 20_000 });
    expect(running).toMatchObject({
      applicationId: 'small-app',
      state: 'Stable',
      instances: [{ instance: 'one-0', partitions: 4 }],
    });
    expect(running['partitions']).toHaveLength(4);
    const busy = await command('reset', 'small-app', '--yes');
    expect(busy.stderr).toMatch(/^TM1013 [^\n]*small-app[^\n]*one-0[^\n]*\n$/);
    expect(busy.code).toBe(2);
    job.signal('SIGTERM');
    expect(await job.end()).toMatchObject({ code: 0, stderr: '' });
    await bench.tools.produce(
      'small',
      Array.from({ length: 30 }, () => ({ key: 'u1', value: '{"userId":"u1"}' })),
    );
    const down = await command('status', 'small-app', '--json');
    expect(JSON.parse(down.stdout)).toMatchObject({ state: 'Empty', instances: [], lag: '30' });
    const text = await command('status', 'small-app');
    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toMatch(/^application small-app: Empty, lag 30\n/);
    expect(text.stdout).toContain('no instance is running');
    expect(text.stdout).toMatch(/^small +1 +\d+ +\d+ +\d+ +-$/m);
  });

  test('reset asks, and without a terminal needs --yes; then the job counts from the start', async () => {
    const before = await bench.tools.topics();
    const asked = await command('reset', 'small-app', '--state-dir', join(bench.folder, 'small-app'));
    expect(asked.stderr).toMatch(/^TM1011 [^\n]*--yes[^\n]*\n$/);
    expect(asked.code).toBe(2);
    expect(await bench.tools.topics()).toEqual(before);
    const done = await command('reset', 'small-app', '--yes', '--state-dir', join(bench.folder, 'small-app'));
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(done.stdout).toContain('delete topic small-app-by-user-changelog\n');
    expect((await bench.tools.topics()).filter((topic) => topic.startsWith('small-app'))).toEqual([]);
    expect(existsSync(join(bench.folder, 'small-app', 'small-app', 'one'))).toBe(false);
    const env = { ...small.env, JOB_OUTPUT: 'small-counts-2' };
    expect(await bench.toEnd({ ...small, env })).toMatchObject({ code: 0, stderr: '' });
    expect(await bench.judge.clicks('small-counts-2', 1030)).toMatchObject({
      ok: true,
      total: 1030,
      records: 1030,
    });
  });

  test('an application that nobody knows', async () => {
    const status = await command('status', 'ghost');
    expect(status.stderr).toMatch(/^TM1014 application ghost [^\n]*\n$/);
    expect(status.code).toBe(2);
    expect(await command('reset', 'ghost', '--yes')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('nothing to reset'),
    });
  });
});

test('explain needs no Kafka', async () => {
  const text = await tidemark(['explain', JOB, '--application-id', 'shown']);
  expect(text).toMatchObject({ code: 0, stderr: '' });
  for (const word of [
    'clicks',
    'by-user',
    'counts',
    'shown-by-user-shuffle',
    'shown-by-user-changelog',
    'shown-control',
  ]) {
    expect(text.stdout).toContain(word);
  }
  const { stdout } = await tidemark(['explain', JOB, '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ stages: [{ name: 'clicks' }, { name: 'by-user' }] });
});

test('dev: prints the address of a broker that works, and ends it with SIGTERM', async () => {
  const env = { TIDEMARK_KAFKA_BROKERS: '' };
  const dev = new TidemarkProcess(['dev'], env);
  const address = await waitFor('the address', () => /^(\S+:\d+)\n/m.exec(dev.stdoutSoFar)?.[1], {
    limitMs: 60_000,
  });
  const tools = await KafkaTools.connect([address]);
  await tools.createTopic('hello', 1);
  expect(await tools.topics()).toContain('hello');
  await tools.close();
  dev.signal('SIGTERM');
  const end = await dev.end(20_000);
  expect(end.code).toBe(0);
  expect(end.stdout).toBe(`${address}\n`);
  expect(end.stderr).toContain(`export TIDEMARK_KAFKA_BROKERS=${address}`);
});
