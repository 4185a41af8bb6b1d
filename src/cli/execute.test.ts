import { TidemarkError } from '../errors';
import { execute } from './execute';
import { TestIo } from './testing/test-io';
import { TestServices } from './testing/test-services';

let io: TestIo;
let services: TestServices;
beforeEach(() => {
  io = new TestIo();
  services = new TestServices();
});
const tidemark = (...argv: string[]) => execute(argv, io, services);

test.each([['--help'], ['run', '--help'], ['help', 'status'], ['--version']])(
  'tidemark %s exits 0',
  async (...argv) => {
    expect(await tidemark(...argv)).toBe(0);
    expect(io.stdout.text).not.toBe('');
    expect(io.stderr.text).toBe('');
  },
);

test('without a command it shows the help and exits 2', async () => {
  expect(await tidemark()).toBe(2);
  expect(io.stderr.text).toContain('Usage: tidemark');
});

test('help names every command of the contract', async () => {
  await tidemark('--help');
  const commands = [
    'run',
    'savepoint',
    'rescale',
    'checkpoints',
    'status',
    'transactions',
    'explain',
    'sql',
    'cancel',
    'reset',
    'dev',
  ];
  for (const command of commands) expect(io.stdout.text).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
});

describe('usage errors are one line, TM1007, exit 2', () => {
  test.each<[string[], string]>([
    [['frobnicate'], "TM1007 unknown command 'frobnicate': see 'tidemark --help'"],
    [['statsu', 'x'], "TM1007 unknown command 'statsu' (Did you mean status?): see 'tidemark --help'"],
    [['run'], "TM1007 missing required argument 'job': see 'tidemark --help'"],
    [['run', 'a.js', '--nope'], "TM1007 unknown option '--nope': see 'tidemark --help'"],
    [
      ['run', 'a.js', 'b.js'],
      "TM1007 too many arguments for 'run'. Expected 1 argument but got 2.: see 'tidemark --help'",
    ],
    [
      ['run', 'a.js', '--brokers'],
      "TM1007 option '--brokers <list>' argument missing: see 'tidemark --help'",
    ],
    [['dev', '--port', '0'], "TM1007 --port must be a port from 1 to 65535, and is '0'"],
    [
      ['reset', 'app', '--to-datetime', '2030-01-31'],
      "TM1007 --to-datetime must be a time with its zone, and is '2030-01-31': write it as 2030-01-31T08:00:00Z or 2030-01-31T09:00:00+01:00",
    ],
    [
      ['reset', 'app', '--to-earliest', '--to-datetime', '2030-01-31T08:00:00Z'],
      'TM1007 --to-earliest and --to-datetime exclude each other: give one of them',
    ],
  ])('%j', async (argv, line) => {
    expect(await tidemark(...argv)).toBe(2);
    expect(io.stderr.text).toBe(`${line}\n`);
    expect(io.stdout.text).toBe('');
  });
});

describe('what is not in this release: TM1008, exit 2', () => {
  test.each<[string[]]>([
    [['savepoint', 'app', '--target', 'dir', '--stop']],
    [['rescale', 'app', '--parallelism', '4']],
    [['checkpoints', 'app', 'describe', '7', '--json']],
    [['transactions', 'app', 'abort']],
    [['sql', '-i', 'init.sql', '-e', 'SELECT 1']],
    [['cancel', 'app']],
    [['run', 'a.js', '-i', 'init.sql']],
    [['run', 'a.js', '-s', 'latest']],
    [['run', 'a.js', '-n']],
  ])('%j', async (argv) => {
    expect(await tidemark(...argv)).toBe(2);
    expect(io.stderr.text).toMatch(/^TM1008 .+ is not in this release; it comes with the .+ release\n$/);
  });
});

describe('errors', () => {
  test.each([
    [
      new TidemarkError('TM2003', 'stop', 'topic x is missing', { where: 'x', hint: 'create it' }),
      1,
      'TM2003 topic x is missing (x): create it\n',
    ],
    [new TidemarkError('TM1004', 'usage', 'two\n  lines'), 2, 'TM1004 two lines\n'],
    [
      new Error('boom'),
      1,
      'TM9001 internal error: boom: run again with --verbose for the stack trace, and please report it\n',
    ],
  ])('%s', async (error, code, text) => {
    services.loadJob = () => Promise.reject(error);
    expect(await tidemark('explain', 'a.js')).toBe(code);
    expect(io.stderr.text).toBe(text);
  });

  test('--verbose adds the stacks of the error and its causes', async () => {
    const cause = new Error('the reason');
    services.loadJob = () => Promise.reject(new TidemarkError('TM1003', 'usage', 'no job', { cause }));
    expect(await tidemark('explain', 'a.js', '--verbose')).toBe(2);
    expect(io.stderr.text).toMatch(/^TM1003 no job\n[^]*at [^]*caused by: Error: the reason\n\s+at /);
  });
});

test('a refused option exits 2 before anything is loaded further', async () => {
  expect(await tidemark('run', 'a.js', '--set', 'kafka.broker=a:1')).toBe(2);
  expect(io.stderr.text).toMatch(/^TM1001 /);
  expect(services.started).toEqual([]);
});

describe('explain', () => {
  test('prints text', async () => {
    expect(await tidemark('explain', 'a.js', '--application-id', 'eu')).toBe(0);
    expect(io.stdout.text).toContain('application eu');
    expect(io.stdout.text).toContain('eu-by-user-shuffle');
  });

  test('prints JSON', async () => {
    expect(await tidemark('explain', 'a.js', '--json', '--set', 'kafka.internal-topics.prefix=int')).toBe(0);
    const { applicationId, internalTopics } = JSON.parse(io.stdout.text);
    expect(applicationId).toBe('clicks');
    expect(internalTopics).toContain('int-control');
  });
});

test('dev prints the address and ends the broker at a signal', async () => {
  const done = tidemark('dev', '--port', '19092');
  await io.platform.settle();
  expect(io.stdout.text).toBe('127.0.0.1:19092\n');
  expect(services.localKafka).toEqual([{ port: 19092, stopped: false }]);
  io.signal('SIGINT');
  expect(await done).toBe(0);
  expect(services.localKafka).toEqual([{ port: 19092, stopped: true }]);
  expect(io.listening()).toBe(0);
});

test('dev starts nothing when the environment names a Kafka', async () => {
  services.runningKafka = 'a:1';
  expect(await tidemark('dev')).toBe(0);
  expect(io.stderr.text).toContain('nothing was started');
});
