import { TidemarkError } from '../../errors';
import { execute } from '../execute';
import { TestIo } from '../testing/test-io';
import { TestServices } from '../testing/test-services';

let io: TestIo;
let services: TestServices;
beforeEach(() => {
  io = new TestIo();
  services = new TestServices();
  io.env = { HOME: '/home/ada', TIDEMARK_KAFKA_BROKERS: 'env:1' };
});
const run = (...argv: string[]) => execute(['run', 'job.ts', ...argv], io, services);

/** In an array, because a promise that is returned would be waited for. */
async function started(...argv: string[]): Promise<[Promise<number>]> {
  const done = run(...argv);
  await io.platform.settle();
  expect(services.started).toHaveLength(1);
  return [done];
}

test('flags reach the configuration, and the module path and --until-end the run', async () => {
  const flags = [
    '--brokers',
    'a:1,b:2',
    '--application-id',
    'app',
    '--instance-id',
    'i1',
    '--executors',
    '2',
  ];
  const more = [
    '--state-dir',
    '/state',
    '--set',
    'log.level=error',
    '--set',
    'kafka.compression=lz4',
    '--until-end',
  ];
  const [done] = await started(...flags, ...more);
  services.run.finish();
  expect(await done).toBe(0);
  const { config, options } = services.started[0]!;
  expect(config).toMatchObject({ applicationId: 'app', instanceId: 'i1', executors: 2, stateDir: '/state' });
  expect(config.kafka).toMatchObject({ brokers: ['a:1', 'b:2'], compression: 'lz4' });
  expect(options).toMatchObject({ modulePath: '/jobs/job.ts', untilEnd: true });
});

test('without flags: the name of the job and the environment', async () => {
  const [done] = await started();
  services.run.finish();
  await done;
  const { config, options } = services.started[0]!;
  expect([config.applicationId, config.kafka.brokers, options.untilEnd]).toEqual([
    'clicks',
    ['env:1'],
    false,
  ]);
});

test('without brokers it refuses with the ways to give some', async () => {
  io.env = {};
  expect(await run()).toBe(2);
  expect(io.stderr.text).toBe(
    "TM1005 no Kafka brokers are given: pass --brokers, set TIDEMARK_KAFKA_BROKERS, or start a local Kafka with 'tidemark dev'\n",
  );
});

describe('ends', () => {
  test('with 0 when the job is finished', async () => {
    const [done] = await started();
    services.run.finish();
    expect(await done).toBe(0);
    expect(services.run.stops).toBe(0);
    expect(io.logLines().at(-1)).toMatchObject({ message: 'done', recordsOut: 2 });
  });

  test('with 1 and one line when the job fails', async () => {
    const [done] = await started();
    services.run.fail(new TidemarkError('TM3002', 'stop', 'operator threw', { where: 'clicks-0@7' }));
    expect(await done).toBe(1);
    expect(io.stderr.text).toBe('TM3002 operator threw (clicks-0@7)\n');
  });

  test('with 2 when the run is refused at start', async () => {
    services.runJob = () => Promise.reject(new TidemarkError('TM2004', 'usage', 'too few partitions'));
    expect(await run()).toBe(2);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('with 0 after %s, when the run has left', async (signal) => {
    const [done] = await started();
    io.signal(signal);
    expect(await done).toBe(0);
    expect(services.run.stops).toBe(1);
    expect(io.logLines()).toContainEqual(expect.objectContaining({ message: 'stopping', signal }));
  });

  test('with 0 after a signal that came while it was starting', async () => {
    let ready: () => void = () => undefined;
    services.runJob = () => new Promise((resolve) => (ready = () => resolve(services.run)));
    const done = run();
    await io.platform.settle();
    io.signal('SIGTERM');
    ready();
    expect(await done).toBe(0);
    expect(services.run.stops).toBe(1);
  });

  test('with 1 when the run fails while it stops', async () => {
    const [done] = await started();
    services.run.stop = () => Promise.resolve();
    io.signal('SIGTERM');
    services.run.fail(new TidemarkError('TM4005', 'stop', 'disk full'));
    expect(await done).toBe(1);
    expect(io.stderr.text).toBe('TM4005 disk full\n');
  });

  test('with 1 when the run does not stop within 10 s', async () => {
    services.run.stopsCleanly = false;
    const [done] = await started();
    io.signal('SIGTERM');
    await io.platform.advance(9_999);
    expect(io.stderr.text).toBe('');
    await io.platform.advance(1);
    expect(await done).toBe(1);
    expect(io.stderr.text).toMatch(/^TM5008 the instance did not stop within 10 s:/);
  });

  test('at once with 130 at the second signal', async () => {
    services.run.stopsCleanly = false;
    const [done] = await started();
    io.signal('SIGINT');
    expect(io.exits).toEqual([]);
    io.signal('SIGINT');
    expect(io.exits).toEqual([130]);
    services.run.finish();
    await io.platform.advance(10_000);
    await done;
  });

  afterEach(() => {
    expect(io.listening()).toBe(0);
    expect(io.platform.pendingTimers()).toBe(0);
  });
});

describe('shows', () => {
  test('JSON lines with progress every 10 s when nobody watches', async () => {
    const [done] = await started('--set', 'state.backend.type=rocksdb');
    services.run.recordsIn = 5_000;
    await io.platform.advance(10_000);
    services.run.recordsIn = 5_500;
    await io.platform.advance(10_000);
    services.run.finish();
    await done;
    const lines = io.logLines();
    expect(lines[0]).toMatchObject({
      level: 'warn',
      application: 'clicks',
      message: expect.stringContaining('rocksdb'),
    });
    const progress = lines.filter(({ message }) => message === 'progress');
    expect(progress).toMatchObject([
      { recordsPerSecond: 500, recordsIn: 5_000, epochs: 3, abortedEpochs: 1, lag: 5, state: 'running' },
      { recordsPerSecond: 50, recordsIn: 5_500 },
    ]);
    expect(lines[1]?.['time']).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  test('a live line and lines for people on a terminal', async () => {
    io.stdout.isTerminal = true;
    io.stdout.columns = 200;
    const [done] = await started();
    await io.platform.advance(500);
    services.run.recordsIn = 1_234;
    await io.platform.advance(500);
    expect(io.stdout.text).toContain('INFO  starting job=clicks brokers=env:1\n');
    const live =
      'running · 2,468 records/s · 1,234 records · epoch 3 (1 aborted) · lag 5 · commit 8 ms · 1 task';
    expect(io.stdout.text.endsWith(`\r\x1b[2K${live}`)).toBe(true);
    services.run.finish();
    await done;
    const last = io.stdout.text.slice(io.stdout.text.lastIndexOf(live) + live.length);
    expect(last.startsWith('\r\x1b[2K')).toBe(true);
    expect(last.slice(5)).toMatch(
      /^\d\d:\d\d:\d\d INFO {2}done recordsIn=1234 recordsOut=2 skipped=0 deadLettered=0\n$/,
    );
  });

  test.each([
    ['--json', {}],
    ['a dumb terminal', { TERM: 'dumb' }],
  ])('JSON lines on a terminal too with %s', async (flag, env) => {
    io.stdout.isTerminal = true;
    Object.assign(io.env, env);
    const [done] = await started(...(flag === '--json' ? ['--json'] : []));
    services.run.finish();
    await done;
    expect(io.logLines().map(({ message }) => message)).toEqual(['starting', 'done']);
  });

  test('no secret, also at the finest level', async () => {
    const secret = ['kafka.sasl.mechanism=plain', 'kafka.sasl.username=ada', 'kafka.sasl.password=hunter2'];
    const [done] = await started(...[...secret, 'log.level=debug'].flatMap((pair) => ['--set', pair]));
    const { options } = services.started[0]!;
    options.logger.info('careless', { password: 'hunter2', sasl: { password: 'hunter2' } });
    services.run.finish();
    await done;
    expect(io.logLines().map(({ message }) => message)).toEqual([
      'starting',
      'configuration',
      'careless',
      'done',
    ]);
    expect(io.stdout.text).not.toContain('hunter2');
  });
});
