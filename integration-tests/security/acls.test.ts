import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeWithLocalKafka } from '../judge/local-kafka-missing';
import { grant, type Right } from '../support/acls';
import { SecuredBench, type SecuredRun } from '../support/secured-bench';

jest.setTimeout(120_000);

const RECORDS = 40;
const SOURCE = 'orders';
const SINK = 'order-totals';

interface Line extends Right {
  /** What a job says that lacks just this line: the resource, and the right to grant. */
  readonly without: RegExp;
}

/** The rights that docs/security.md lists for a job, in its order. `app` is the application id. */
function leastRights(app: string): readonly Line[] {
  const source = { resource: 'topic', name: SOURCE } as const;
  const sink = { resource: 'topic', name: SINK } as const;
  const internal = { resource: 'topic', name: `${app}-`, prefixed: true } as const;
  const described = 'Describe \\(Read and Write include it\\) on the topic';
  return [
    { operation: 'Read', ...source, without: new RegExp(`\\(topic ${SOURCE}\\): grant ${described}`) },
    {
      operation: 'DescribeConfigs',
      ...source,
      without: new RegExp(`\\(topic ${SOURCE}\\): grant DescribeConfigs on the topic`),
    },
    { operation: 'Write', ...sink, without: new RegExp(`\\(topic ${SINK}\\): grant ${described}`) },
    {
      operation: 'DescribeConfigs',
      ...sink,
      without: new RegExp(`\\(topic ${SINK}\\): grant DescribeConfigs on the topic`),
    },
    {
      operation: 'Create',
      ...internal,
      without: new RegExp(`\\(topic ${app}-[^)]*\\): grant Create on the topic`),
    },
    { operation: 'Read', ...internal, without: new RegExp(`${app}-[^)]*\\): grant Read on the topic`) },
    {
      operation: 'Write',
      ...internal,
      without: new RegExp(`Produce to ${app}-control-0 .*: grant Write on the topic`),
    },
    {
      operation: 'DescribeConfigs',
      ...internal,
      without: new RegExp(`\\(topic ${app}-[\\w-]+\\): grant DescribeConfigs on the topic`),
    },
    {
      operation: 'Delete',
      ...internal,
      without: new RegExp(`\\(topic ${app}-by-user-shuffle\\): grant Delete on the topic`),
    },
    {
      operation: 'Read',
      resource: 'group',
      name: app,
      without: new RegExp(
        `consumer group ${app}\\): grant Describe \\(Read includes it\\) on the consumer group`,
      ),
    },
    {
      operation: 'Write',
      resource: 'transactional id',
      name: `${app}-`,
      prefixed: true,
      without: new RegExp(
        `transactional id ${app}-one-0\\): grant Describe \\(Write includes it\\) on the transactional id`,
      ),
    },
  ];
}

const LINES = leastRights('app').map(({ operation, resource, name }, line) => ({
  line,
  title: `${operation} on ${resource} ${name}`,
}));

/** Lines that no check at start meets. */
const AFTER_THE_START: ReadonlySet<number> = new Set([5, 9, 10]);

/** A right that only a weaker one is left of, so that another request is the first to be refused. */
const WEAKENED = [
  // Of the fetch or of the offsets of the first epoch, whichever is first.
  { line: 0, left: 'Describe', says: new RegExp(`${SOURCE}-\\d\\D.*: grant Read on the topic`) },
  {
    line: 2,
    left: 'Describe',
    says: new RegExp(`Produce to ${SINK}-\\d was refused: [^:]*: grant Write on the topic`),
  },
  {
    line: 9,
    left: 'Describe',
    says: /JoinGroup [^(]*\(30\) \(group [\w-]+\): grant Read on the consumer group/,
  },
  {
    line: 10,
    left: 'Describe',
    says: /InitProducerId was refused: [^:]*: grant Write on the transactional id/,
  },
] as const;

const lacking = (line: number): string => `lacking-${line}`;
const weak = (line: number): string => `weak-${line}`;

describeWithLocalKafka(['4.4.0'])('access control lists', () => {
  let bench: SecuredBench;

  beforeAll(async () => {
    const users = [
      'least',
      ...LINES.map(({ line }) => lacking(line)),
      ...WEAKENED.map(({ line }) => weak(line)),
    ];
    bench = await SecuredBench.open({
      plainUsers: Object.fromEntries(users.map((user) => [user, `${user}-password`])),
    });
    await bench.tools.createTopic(SOURCE, 2);
    await bench.tools.createTopic(SINK, 2);
    await bench.produce(SOURCE, RECORDS);
    const rights = new Map<string, readonly Right[]>([['User:least', leastRights('least')]]);
    for (const { line } of LINES) {
      const app = lacking(line);
      rights.set(
        `User:${app}`,
        leastRights(app).filter((_, index) => index !== line),
      );
    }
    for (const { line, left } of WEAKENED) {
      const app = weak(line);
      rights.set(
        `User:${app}`,
        leastRights(app).map((right, index) => (index === line ? { ...right, operation: left } : right)),
      );
    }
    await grant(bench.secured.kafka.brokers, rights);
  });

  afterAll(() => bench.close());

  /** The job as a user who is also its application id. */
  function asUser(user: string): SecuredRun {
    return {
      app: user,
      input: SOURCE,
      output: SINK,
      at: bench.secured.at('SECURE'),
      set: {
        'kafka.ssl.ca-file': bench.secured.caFile,
        'kafka.sasl.mechanism': 'plain',
        'kafka.sasl.username': user,
        'execution.epoch.interval': '20 ms',
      },
      env: { TIDEMARK_KAFKA_SASL_PASSWORD: `${user}-password` },
    };
  }

  test('a job needs no more than the documented rights: several epochs, a restart after SIGKILL, to the end', async () => {
    const run = asUser('least');
    const first = bench.start(run);
    for (let wave = 1; wave <= 3; wave++) {
      await bench.tools.committed(
        run.app,
        SOURCE,
        [0, 1].map(() => (wave * RECORDS) / 2),
      );
      await bench.produce(SOURCE, RECORDS);
    }
    const warnings = first.logs().filter(({ level }) => level === 'warn');
    expect(warnings).toMatchObject([{ hint: 'grant DescribeConfigs on the cluster' }]);
    first.signal('SIGKILL');
    await first.end();
    expect(await bench.toEnd(run)).toMatchObject({ code: 0, stderr: '' });
    expect(await bench.judge.clicks(SINK, 4 * RECORDS)).toMatchObject({ ok: true, total: 4 * RECORDS });
  });

  test.each(LINES)('without $title the job stops, and says what to grant', async ({ line }) => {
    const user = lacking(line);
    const end = await bench.toEnd(asUser(user));
    expect(end.stderr).toMatch(/^TM2008 [^\n]*\n$/);
    expect(end.stderr).toMatch(leastRights(user)[line]?.without ?? /never/);
    expect(end.code).toBe(AFTER_THE_START.has(line) ? 1 : 2);
  });

  test.each(WEAKENED)('with $left alone in line $line it says so as well', async ({ line, says }) => {
    const end = await bench.toEnd(asUser(weak(line)));
    expect(end.stderr).toMatch(/^TM2008 [^\n]*\n$/);
    expect(end.stderr).toMatch(says);
    expect(end.code).toBe(1);
  });

  test('are what docs/security.md lists', () => {
    const page = readFileSync(join(__dirname, '..', '..', 'docs', 'security.md'), 'utf8');
    const rows = [
      ...page.matchAll(/^\| (topic|group|transactional id) `([^`]+)`( and all that begin so)? \| (\w+) \|/gm),
    ];
    const listed = rows.map(([, resource, name, prefixed, operation]) => ({
      ...{ operation, resource, name },
      ...(prefixed === undefined ? {} : { prefixed: true }),
    }));
    const names: Readonly<Record<string, string>> = { [SOURCE]: '<source>', [SINK]: '<sink>' };
    const needed = leastRights('<application-id>').map(({ without: _, name, ...right }) => ({
      ...right,
      name: names[name] ?? name,
    }));
    expect(listed).toEqual(needed);
  });
});
