import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTidemarkError } from '../errors';
import type { CodeOptions } from './options';
import { resolveConfig, type ConfigInput } from './resolve-config';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'tidemark-config-'))));
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string, name = 'conf.yaml'): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const home = { HOME: '/home/ada' };
const resolve = (input: ConfigInput) => resolveConfig({ jobName: 'clicks', env: home, ...input });
const set = (...pairs: string[]) => resolve({ set: pairs });

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    expect(error.reaction).toBe('usage');
    return error.describe();
  }
  throw new Error('nothing was refused');
}

test('the defaults', () => {
  expect(resolve({})).toEqual({
    applicationId: 'clicks',
    instanceId: null,
    executors: 1,
    stateDir: '/home/ada/.local/state/tidemark',
    transactionalIdPrefix: 'clicks',
    maxPollIntervalMs: 300_000,
    epoch: { intervalMs: 100, minIntervalMs: 5, maxDirtyBytes: 67_108_864, maxOutputBytes: 33_554_432 },
    checkpointing: {
      intervalMs: 60_000,
      mode: 'EXACTLY_ONCE',
      timeoutMs: 600_000,
      minPauseMs: 0,
      maxConcurrent: 1,
      tolerableFailed: null,
      numRetained: 1,
      retention: 'RETAIN_ON_CANCELLATION',
      dir: 'file:///home/ada/.local/state/tidemark/clicks/checkpoints',
      savepointDir: 'file:///home/ada/.local/state/tidemark/clicks/savepoints',
      incremental: true,
    },
    state: { backend: 'leveldb', cacheMaxEntries: 200_000 },
    kafka: {
      brokers: [],
      clientId: 'clicks',
      ssl: null,
      sasl: null,
      connectTimeoutMs: 10_000,
      requestTimeoutMs: 30_000,
      sessionTimeoutMs: 10_000,
      heartbeatIntervalMs: 3_000,
      transactionTimeoutMs: 60_000,
      fetch: { maxWaitMs: 250, maxPartitionBytes: 1_048_576, maxBufferedBytes: 33_554_432 },
      internalTopics: { prefix: 'clicks', replicationFactor: null, minInsyncReplicas: null },
      compression: 'none',
      maxBatchBytes: 921_600,
    },
    badInput: { kind: 'fail' },
    restart: {
      kind: 'exponential-delay',
      initialBackoffMs: 1_000,
      maxBackoffMs: 60_000,
      backoffMultiplier: 1.5,
      resetBackoffThresholdMs: 3_600_000,
      jitterFactor: 0.1,
      attemptsBeforeReset: null,
    },
    parallelism: null,
    maxParallelism: 128,
    log: { level: 'info' },
    notices: [],
  });
});

test('the result is frozen all the way down', () => {
  const config = resolve({});
  for (const part of [config, config.kafka, config.kafka.fetch, config.kafka.brokers, config.notices]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
});

test.each([
  [{ XDG_STATE_HOME: '/state', HOME: '/home/ada' }, '/state/tidemark'],
  [{ XDG_STATE_HOME: 'not-absolute', HOME: '/home/ada' }, '/home/ada/.local/state/tidemark'],
])('state folder with %j', (env, expected) => expect(resolve({ env }).stateDir).toBe(expected));

describe('precedence', () => {
  const sources: [string, () => Partial<ConfigInput>][] = [
    ['flag', () => ({ cliFlags: { 'kafka.brokers': 'flag:1' } })],
    ['set', () => ({ set: ['kafka.brokers=set:1'] })],
    ['env', () => ({ env: { ...home, TIDEMARK_KAFKA_BROKERS: 'env:1' } })],
    ['file', () => ({ file: file('kafka: { brokers: "file:1" }') })],
    ['code', () => ({ code: { brokers: ['code:1'] } })],
  ];
  // A flag and --set are equally strong; giving both differently is refused, see below.
  const ladders = [
    ['flag', 'env', 'file', 'code'],
    ['set', 'env', 'file', 'code'],
  ];
  const cases = ladders.flatMap((ladder) =>
    ladder.map((name, index) => [name, ladder.slice(index)] as const),
  );
  test.each(cases)('%s wins among %j', (winner, among) => {
    const input = Object.assign(
      {},
      ...sources.filter(([name]) => among.includes(name)).map(([, make]) => make()),
    );
    expect(resolve(input as ConfigInput).kafka.brokers).toEqual([`${winner}:1`]);
  });

  test('an empty environment variable counts as not set', () => {
    const input = { env: { ...home, TIDEMARK_EXECUTORS: '' }, code: { executors: 3 } };
    expect(resolve(input).executors).toBe(3);
  });

  test('a stronger unlimited beats a weaker number', () => {
    const key = 'execution.checkpointing.tolerable-failed-checkpoints';
    const input = { set: [`${key}=unlimited`], code: { checkpointing: { tolerableFailed: 3 } } };
    expect(resolve(input).checkpointing.tolerableFailed).toBeNull();
  });

  test('the job name is weaker than anything else', () => {
    expect(resolve({ code: { applicationId: 'other' } }).applicationId).toBe('other');
  });
});

describe('files', () => {
  test.each([
    ['nested YAML', 'execution:\n  epoch:\n    interval: 50 ms\nexecutors: 2\n'],
    ['dotted YAML', 'execution.epoch.interval: 50 ms\nexecutors: 2\n'],
    ['half nested YAML', 'execution:\n  epoch.interval: 50\nexecutors: "2"\n'],
    ['JSON', '{"execution": {"epoch": {"interval": 50}}, "executors": 2}'],
  ])('%s', (_, text) => {
    const config = resolve({ file: file(text) });
    expect([config.epoch.intervalMs, config.executors]).toEqual([50, 2]);
  });

  test('an empty file sets nothing', () => {
    expect(resolve({ file: file('# nothing yet\n') }).executors).toBe(1);
  });

  test.each([
    ['a list', '- a\n- b\n', /^TM1009 configuration file must hold options/],
    [
      'neither YAML nor JSON',
      'a: 1\nb: [1, 2\n',
      /^TM1009 configuration file is neither YAML nor JSON \(.*conf\.yaml:\d+\)$/,
    ],
    ['an option twice', 'executors: 1\nexecutors: 2\n', /^TM1009 configuration file is neither/],
    ['an option without a value', 'executors:\n', /^TM1001 option executors must be .* and is empty \(file /],
  ])('refuses %s', (_, text, message) =>
    expect(refusal(() => resolve({ file: file(text) }))).toMatch(message),
  );

  test('refuses a file that is not there', () => {
    expect(refusal(() => resolve({ file: '/no/such.yaml' }))).toBe(
      'TM1009 configuration file cannot be read: there is no such file (/no/such.yaml): check the path given with --config',
    );
  });

  test('never quotes a line of a broken file, which may hold a password', () => {
    const text = 'kafka.sasl.password: "hunter2\nx: [\n';
    expect(refusal(() => resolve({ file: file(text) }))).not.toContain('hunter2');
  });
});

test('code nests options, or gives their keys', () => {
  const code: CodeOptions = {
    brokers: 'a:1,b:2',
    checkpointing: { interval: '30s', mode: 'EXACTLY_ONCE', dir: 's3://bucket/jobs' },
    kafka: { internalTopics: { replicationFactor: 3 }, sessionTimeout: 15_000 },
    restart: { type: 'none' },
    instanceId: undefined,
  };
  const config = resolve({ code: { ...code, 'log.level': 'debug' } as CodeOptions });
  expect(config.kafka.brokers).toEqual(['a:1', 'b:2']);
  expect(config.checkpointing).toMatchObject({ intervalMs: 30_000, dir: 's3://bucket/jobs' });
  expect(config.kafka).toMatchObject({ sessionTimeoutMs: 15_000, internalTopics: { replicationFactor: 3 } });
  expect(config.restart).toEqual({ kind: 'none' });
  expect(config.log.level).toBe('debug');
});

describe('derived values', () => {
  test('restart strategies', () => {
    const pairs = ['restart-strategy.type=fixed-delay', 'restart-strategy.fixed-delay.attempts=5'];
    expect(set(...pairs).restart).toEqual({ kind: 'fixed-delay', attempts: 5, delayMs: 1_000 });
    expect(set('restart-strategy=off').restart).toEqual({ kind: 'none' });
  });

  test('dead letters', () => {
    const pairs = ['bad-input.policy=dead-letter', 'bad-input.dead-letter-topic=bad'];
    expect(set(...pairs).badInput).toEqual({ kind: 'dead-letter', topic: 'bad' });
  });

  test('prefixes', () => {
    const config = set('sink.transactional-id-prefix=tx-', 'kafka.internal-topics.prefix=int');
    expect([config.transactionalIdPrefix, config.kafka.internalTopics.prefix]).toEqual(['tx-', 'int']);
  });

  test('TLS is on as soon as one of its options is set, and off when told so', () => {
    expect(set('kafka.ssl=true').kafka.ssl).toMatchObject({ caFile: null });
    expect(set('kafka.ssl.server-name=k').kafka.ssl).toMatchObject({ serverName: 'k' });
    expect(set('kafka.ssl.enabled=false').kafka.ssl).toBeNull();
  });

  test('SASL', () => {
    const config = set(
      'kafka.sasl.mechanism=SCRAM-SHA-256',
      'kafka.sasl.username=u',
      'kafka.sasl.password=a=b',
    );
    expect(config.kafka.sasl).toEqual({ mechanism: 'scram-sha-256', username: 'u', password: 'a=b' });
  });
});

describe('notices', () => {
  test("Flink's rocksdb is taken for leveldb", () => {
    const config = set('state.backend.type=rocksdb');
    expect(config.state.backend).toBe('leveldb');
    expect(config.notices).toEqual(["option state.backend.type: 'rocksdb' is taken for 'leveldb' (--set)"]);
  });

  test('hashmap is heap, silently', () => {
    expect(set('state.backend=hashmap')).toMatchObject({ state: { backend: 'heap' }, notices: [] });
  });

  test('an option that does nothing yet says so once it is changed', () => {
    const key = 'execution.checkpointing';
    expect(set(`${key}.timeout=20s`, `${key}.interval=60s`).notices).toEqual([
      'option execution.checkpointing.timeout does nothing in this release: checkpoints come later (--set)',
    ]);
  });

  test('a notice of a value that is overridden stays away', () => {
    const input = {
      set: ['state.backend.type=heap'],
      code: { 'state.backend.type': 'rocksdb' } as CodeOptions,
    };
    expect(resolve(input).notices).toEqual([]);
  });

  test('a variable that looks misspelt is reported, one of a platform is not', () => {
    const env = {
      ...home,
      TIDEMARK_KAFKA_BROKER: 'a:1',
      TIDEMARK_SERVICE_HOST: '10.0.0.1',
      TIDEMARK_PORT: 'tcp://x',
    };
    expect(resolve({ env }).notices).toEqual([
      'environment variable TIDEMARK_KAFKA_BROKER is unknown and ignored; did you mean TIDEMARK_KAFKA_BROKERS?',
    ]);
  });
});

describe('refuses (TM1001)', () => {
  test.each<[string, ConfigInput, string]>([
    [
      'an unknown key of --set',
      { set: ['kafka.broker=a:1'] },
      "TM1001 option 'kafka.broker' is unknown (--set): did you mean 'kafka.brokers'?",
    ],
    [
      'a key that is like none',
      { set: ['colour=red'] },
      "TM1001 option 'colour' is unknown (--set): docs/configuration.md lists all options",
    ],
    ['--set without =', { set: ['executors'] }, "TM1001 --set takes KEY=VALUE, and got 'executors'"],
    ['--set without key', { set: ['=secret'] }, "TM1001 --set takes KEY=VALUE, and got ''"],
    [
      'an unknown name in code',
      { code: { checkpointing: { intervall: '1s' } } as CodeOptions },
      "TM1001 option 'checkpointing.intervall' is unknown (the program's options): did you mean 'checkpointing.interval'?",
    ],
    [
      'a malformed variable',
      { env: { TIDEMARK_EXECUTORS: 'many' } },
      "TM1001 option executors must be a whole number from 1 to 256, and is 'many' (environment variable TIDEMARK_EXECUTORS)",
    ],
    [
      'a malformed flag',
      { cliFlags: { 'kafka.brokers': 'localhost' } },
      "TM1001 option kafka.brokers must be brokers written host:port and separated by commas, and is 'localhost' (--brokers)",
    ],
    [
      'a port beyond the last',
      { set: ['kafka.brokers=h:70000'] },
      "TM1001 option kafka.brokers must be brokers written host:port and separated by commas, and is 'h:70000' (--set)",
    ],
    [
      'a value that another one overrides',
      { cliFlags: { executors: '2' }, code: { executors: 0 } },
      "TM1001 option executors must be a whole number from 1 to 256, and is 0 (the program's options)",
    ],
    [
      'hdfs',
      { set: ['execution.checkpointing.dir=hdfs://nn:8020/flink'] },
      "TM1001 option execution.checkpointing.dir must be a file:// or s3:// location, and is 'hdfs://nn:8020/flink' (--set): HDFS has no client for Node.js; mount it (NFS gateway or fuse) and use file://, or use an S3 gateway and s3://",
    ],
    [
      'a certificate that cannot be read',
      { set: ['kafka.ssl.ca-file=/no/such.pem'] },
      "TM1001 option kafka.ssl.ca-file names '/no/such.pem', which cannot be read (--set)",
    ],
    [
      'an application id that would leave the state folder',
      { set: ['application-id=..'] },
      "TM1001 option application-id must be 1 to 120 letters, digits, dots, dashes or underscores, and is '..' (--set)",
    ],
    [
      'a job name that is no application id',
      { jobName: 'my job' },
      "TM1001 option application-id must be 1 to 120 letters, digits, dots, dashes or underscores, and is 'my job' (name of the job)",
    ],
  ])('%s', (_, input, message) => expect(refusal(() => resolve(input))).toBe(message));

  test('a missing application id', () => {
    expect(refusal(() => resolveConfig({}))).toBe(
      'TM1001 option application-id is missing: give the job a name, or pass --application-id',
    );
  });

  test('a secret without printing it', () => {
    expect(refusal(() => resolve({ code: { kafka: { sasl: { password: '' } } } }))).toBe(
      "TM1001 option kafka.sasl.password must be text, and is not (the program's options)",
    );
  });
});

describe('refuses (TM1002)', () => {
  test.each<[string, string[], string]>([
    [
      'a transaction time-out shorter than two epochs',
      ['kafka.transaction-timeout=10s', 'execution.epoch.interval=6s'],
      'TM1002 kafka.transaction-timeout (10 s) is shorter than two epochs of 6 s, so that the broker could abort an epoch that is still allowed to run (kafka.transaction-timeout from --set, execution.epoch.interval from --set): raise kafka.transaction-timeout or lower execution.epoch.interval',
    ],
    [
      'a longer least than greatest interval',
      ['execution.epoch.min-interval=1s'],
      'TM1002 execution.epoch.min-interval (1 s) is longer than execution.epoch.interval (100 ms) (execution.epoch.min-interval from --set, execution.epoch.interval from the defaults): lower the first or raise the second',
    ],
    [
      'a poll limit within an epoch',
      ['execution.max-poll-interval=1s', 'execution.epoch.interval=1s'],
      'would be fenced',
    ],
    ['heartbeats too far apart', ['kafka.heartbeat-interval=6s'], 'no second heartbeat'],
    [
      'a fetch that outwaits its request',
      ['kafka.fetch.max-wait=40s'],
      'kafka.fetch.max-wait (40 s) is longer',
    ],
    ['a fetch larger than the buffer', ['kafka.fetch.max-partition-bytes=33mb'], 'is larger than'],
    [
      'more in-sync replicas than replicas',
      ['kafka.internal-topics.min-insync-replicas=3', 'kafka.internal-topics.replication-factor=2'],
      'nothing could be written',
    ],
    ['parallelism above its bound', ['parallelism.default=129'], 'parallelism.default (129) is more than'],
    ['dead letters without a topic', ['bad-input.policy=dead-letter'], 'no bad-input.dead-letter-topic'],
    ['a topic without dead letters', ['bad-input.dead-letter-topic=t'], 'bad-input.policy is fail'],
    [
      'a pause between overlapping checkpoints',
      ['execution.checkpointing.min-pause=1s', 'execution.checkpointing.max-concurrent-checkpoints=2'],
      'lets them overlap',
    ],
    [
      'back-off that shrinks',
      ['restart-strategy.exponential-delay.max-backoff=10ms'],
      'initial-backoff (1 s) is longer',
    ],
    ['SASL in part', ['kafka.sasl.username=u'], 'SASL needs a mechanism, a user name and a password'],
    ['a certificate without its key', [`kafka.ssl.cert-file=${__filename}`], 'needs both'],
    [
      'TLS off with TLS options',
      ['kafka.ssl=false', 'kafka.ssl.server-name=k'],
      'kafka.ssl.enabled is false',
    ],
    [
      'one option twice',
      ['executors=1', 'executors=2'],
      'option executors is given twice with different values (--set): keep one',
    ],
    [
      'one option under two names',
      ['state.backend=heap', 'state.backend.type=leveldb'],
      'option state.backend.type is given twice',
    ],
  ])('%s', (_, pairs, message) => {
    const line = refusal(() => set(...pairs));
    expect(line).toMatch(/^TM1002 /);
    expect(line).toContain(message);
  });

  test('a flag and --set that disagree', () => {
    const input = { cliFlags: { executors: '2' }, set: ['executors=3'] };
    expect(refusal(() => resolve(input))).toContain('(--executors, --set)');
  });

  test('nothing when the same is said twice', () => {
    expect(set('executors=2', 'executors=2').executors).toBe(2);
  });

  test('nothing at the bounds', () => {
    expect(() => set('kafka.transaction-timeout=10s', 'execution.epoch.interval=5s')).not.toThrow();
    expect(() => set('kafka.heartbeat-interval=5s', 'parallelism.default=128')).not.toThrow();
    expect(() => set('execution.checkpointing.mode=AT_LEAST_ONCE')).not.toThrow();
  });
});
