import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describeWithLocalKafka } from '../judge/local-kafka-missing';
import { CertificateAuthority } from '../support/certificates';
import { SecuredBench, type SecuredRun } from '../support/secured-bench';
import { KEY_PASSPHRASE, MUTUAL_NAME, SESSION_MS, unsignedToken } from '../support/secured-kafka';
import type { LogLine, TidemarkProcess } from '../support/tidemark-process';

jest.setTimeout(120_000);

const RECORDS = 40;
/** Nothing printed may hold one of them. */
const SECRETS = ['plain-hunter', 'scram-hunter', 'client-hunter', 'wrong-hunter', KEY_PASSPHRASE, 'eyJ'];
const [PLAIN_PASSWORD, SCRAM_PASSWORD, CLIENT_SECRET, WRONG] = SECRETS as [string, string, string, string];
const MINUTE_MS = 60_000;

type Way = Pick<SecuredRun, 'at' | 'set' | 'env'>;

describeWithLocalKafka(['4.4.0'])('logins and TLS', () => {
  let bench: SecuredBench;
  let endpoint: Server;
  let runs = 0;

  beforeAll(async () => {
    const superUsers = ['User:ada', 'User:bob', 'User:carol', 'User:CN=job'];
    bench = await SecuredBench.open({ plainUsers: { ada: PLAIN_PASSWORD }, superUsers });
    await bench.secured.setScramPasswords({ bob: SCRAM_PASSWORD });
    await bench.tools.createTopic('payments', 2);
    await bench.produce('payments', RECORDS);
    await writeCertificates();
    endpoint = createServer((request, response) => {
      const known =
        request.headers.authorization === `Basic ${Buffer.from(`carol:${CLIENT_SECRET}`).toString('base64')}`;
      const token = { access_token: unsignedToken('carol', Date.now() + MINUTE_MS), expires_in: 60 };
      response.writeHead(known ? 200 : 401).end(JSON.stringify(known ? token : { error: 'invalid_client' }));
    });
    await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
  });

  afterAll(async () => {
    await bench.close();
    await new Promise((resolve) => endpoint.close(resolve));
  });

  async function writeCertificates(): Promise<void> {
    const { secured } = bench;
    await secured.writeCertificate('job', secured.authority.issue({ name: 'job' }));
    const stranger = new CertificateAuthority('another authority');
    await secured.writeCertificate('stranger', stranger.issue({ name: 'job' }));
    await writeFile(join(secured.folder, 'stranger-ca.pem'), stranger.certificate);
    await writeFile(join(secured.folder, 'expired.token'), unsignedToken('carol', Date.now() - MINUTE_MS));
    await writeFile(join(secured.folder, 'good.token'), unsignedToken('carol', Date.now() + 60 * MINUTE_MS));
  }

  const file = (name: string): string => join(bench.secured.folder, name);

  /** At the SECURE listener, whose certificate is checked. */
  function secure(sasl: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}): Way {
    const set = Object.entries(sasl).map(([key, value]): [string, string] => [`kafka.sasl.${key}`, value]);
    return {
      at: bench.secured.at('SECURE'),
      set: { 'kafka.ssl.ca-file': bench.secured.caFile, ...Object.fromEntries(set) },
      env,
    };
  }

  const plain = (password = PLAIN_PASSWORD): Way =>
    secure({ mechanism: 'plain', username: 'ada' }, { TIDEMARK_KAFKA_SASL_PASSWORD: password });
  const scram = (bits: 256 | 512, password = SCRAM_PASSWORD): Way =>
    secure({ mechanism: `scram-sha-${bits}`, username: 'bob' }, { TIDEMARK_KAFKA_SASL_PASSWORD: password });
  const tokenFile = (name: string): Way =>
    secure({ mechanism: 'oauthbearer', 'oauthbearer.token-file': file(name) });
  const tokenEndpoint = (secret = CLIENT_SECRET): Way =>
    secure(
      {
        mechanism: 'oauthbearer',
        'oauthbearer.token-endpoint-url': `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/token`,
        'oauthbearer.client-id': 'carol',
      },
      { TIDEMARK_KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: secret },
    );

  /** At the MUTUAL listener. */
  function mutual(
    certificate: string | null,
    key: string | null,
    set: Readonly<Record<string, string>> = {},
  ): Way {
    return {
      at: bench.secured.at('MUTUAL'),
      set: {
        'kafka.ssl.ca-file': bench.secured.caFile,
        'kafka.ssl.server-name': MUTUAL_NAME,
        ...(certificate === null ? {} : { 'kafka.ssl.cert-file': file(`${certificate}.crt`) }),
        ...(key === null ? {} : { 'kafka.ssl.key-file': file(`${key}.key`) }),
        ...set,
      },
    };
  }

  /** Another way with some settings changed, or with null taken away. */
  function changed(way: Way, changes: Readonly<Record<string, string | null>>): Way {
    const set = Object.entries({ ...way.set, ...changes }).filter(([, value]) => value !== null);
    return { ...way, set: Object.fromEntries(set) as Record<string, string> };
  }

  async function newRun(way: Way): Promise<SecuredRun> {
    const app = `login-${(runs += 1)}`;
    await bench.tools.createTopic(`${app}-out`, 2);
    return { app, input: 'payments', output: `${app}-out`, ...way };
  }

  function expectNoSecret(printed: string): void {
    for (const secret of SECRETS) expect(printed).not.toContain(secret);
  }

  test.each<[string, () => Way]>([
    ['SASL PLAIN', () => plain()],
    ['SASL SCRAM-SHA-256', () => scram(256)],
    ['SASL SCRAM-SHA-512', () => scram(512)],
    ['SASL OAUTHBEARER, tokens from a file', () => tokenFile('good.token')],
    ['SASL OAUTHBEARER, tokens from an endpoint', () => tokenEndpoint()],
    ['a client certificate', () => mutual('job', 'job')],
    [
      'a client certificate with an encrypted key',
      () => ({ ...mutual('job', 'job.locked'), env: { TIDEMARK_KAFKA_SSL_KEY_PASSPHRASE: KEY_PASSPHRASE } }),
    ],
  ])('a job runs with %s', async (_, way) => {
    const run = await newRun(way());
    const end = await bench.toEnd({ ...run, set: { ...run.set, 'log.level': 'debug' } });
    expect(end).toMatchObject({ code: 0, stderr: '' });
    expectNoSecret(end.stdout);
    const committed = await bench.tools.offsets(run.app, 'payments');
    for (const offset of committed) expect(offset).toBeGreaterThanOrEqual(RECORDS / 2);
  });

  test.each<[string, () => Way, string, readonly string[]]>([
    [
      'a wrong password, PLAIN',
      () => plain(WRONG),
      'TM2010',
      ['(PLAIN, user ada)', 'Invalid username or password'],
    ],
    [
      'a wrong password, SCRAM',
      () => scram(512, WRONG),
      'TM2010',
      ['(SCRAM-SHA-512, user bob)', 'credentials'],
    ],
    [
      'an unknown user',
      () => changed(scram(256), { 'kafka.sasl.username': 'nobody' }),
      'TM2010',
      ['user nobody', 'kafka.sasl'],
    ],
    ['an expired token', () => tokenFile('expired.token'), 'TM2010', ['OAUTHBEARER', 'invalid_token']],
    [
      'an endpoint that gives no token',
      () => tokenEndpoint(WRONG),
      'TM2010',
      ['HTTP status 401, invalid_client', 'kafka.sasl.oauthbearer'],
    ],
    [
      'a certificate of no known authority',
      () => changed(plain(), { 'kafka.ssl.ca-file': null, 'kafka.ssl.enabled': 'true' }),
      'TM2011',
      ['not trusted', 'kafka.ssl.ca-file'],
    ],
    [
      'a certificate of another authority',
      () => changed(plain(), { 'kafka.ssl.ca-file': file('stranger-ca.pem') }),
      'TM2011',
      ['not trusted', 'kafka.ssl.ca-file'],
    ],
    [
      'a certificate for another host',
      () => changed(mutual('job', 'job'), { 'kafka.ssl.server-name': null }),
      'TM2011',
      ['another host name', '127.0.0.1', 'kafka.ssl.server-name'],
    ],
    [
      'no client certificate where one is wanted',
      () => mutual(null, null),
      'TM2011',
      ['kafka.ssl.cert-file'],
    ],
    [
      'a client certificate of a stranger',
      () => mutual('stranger', 'stranger'),
      'TM2011',
      ['kafka.ssl.cert-file'],
    ],
    [
      'plain text to a port with TLS',
      () => ({ at: bench.secured.at('MUTUAL') }),
      'TM2011',
      ['speaks TLS', 'kafka.ssl.enabled=true'],
    ],
    [
      'a login to a port without logins',
      () => changed({ ...plain(), at: bench.secured.plain }, { 'kafka.ssl.ca-file': null }),
      'TM2010',
      ['takes no login at this listener'],
    ],
    [
      'a file of authorities that is none',
      () => changed(plain(), { 'kafka.ssl.ca-file': __filename }),
      'TM1001',
      ['kafka.ssl.ca-file', 'PEM'],
    ],
    ['a key of another certificate', () => mutual('job', 'stranger'), 'TM1001', ['kafka.ssl.key-file']],
    [
      'a wrong passphrase',
      () => ({ ...mutual('job', 'job.locked'), env: { TIDEMARK_KAFKA_SSL_KEY_PASSPHRASE: WRONG } }),
      'TM1001',
      ['kafka.ssl.key-passphrase'],
    ],
  ])('%s: exit code 2 at once, and one sentence', async (_, way, code, words) => {
    const startedAt = Date.now();
    const end = await bench.toEnd({ app: 'refused', input: 'payments', output: 'payments', ...way() });
    expect(end.stderr).toMatch(new RegExp(`^${code} [^\\n]*\\n$`));
    for (const word of words) expect(end.stderr).toContain(word);
    expectNoSecret(end.stdout + end.stderr);
    expect(end.code).toBe(2);
    // Not after the 60 s for which a start waits for brokers that are away.
    expect(Date.now() - startedAt).toBeLessThan(30_000);
  });

  /** A broker that goes down does the same: it is waited for, for a bounded time, and the message names both. */
  test.each<[string, () => Way, string]>([
    [
      'TLS to a port without it',
      () => ({ at: bench.secured.plain, set: { 'kafka.ssl.enabled': 'true' } }),
      'its listener has no TLS',
    ],
    [
      'no login at a port with logins',
      () => ({ at: bench.secured.at('SECURE'), set: { 'kafka.ssl.ca-file': bench.secured.caFile } }),
      'its listener wants a login',
    ],
  ])('%s: waits as for a broker that is away, then exit code 1', async (_, way, words) => {
    const run = { app: 'refused', input: 'payments', output: 'payments', ...way() };
    const set = { ...run.set, 'kafka.request-timeout': '1 s' };
    const process = bench.start({ ...run, set, untilEnd: true });
    const said = await process.log(({ message }) => message.startsWith('no broker answers yet'));
    expect(said['reason']).toContain(words);
    const end = await process.end();
    expect(end.stderr).toMatch(/^TM2001 [^\n]*\n$/);
    expect(end.stderr).toContain(words);
    expect(end.code).toBe(1);
  });

  describe('in mid-run', () => {
    interface RunningJob {
      readonly run: SecuredRun;
      readonly process: TidemarkProcess;
      records: number;
    }

    const warnings = ({ process }: RunningJob): LogLine[] =>
      process.logs().filter(({ level }) => level === 'warn');
    const refusalOf = ({ process }: RunningJob): Promise<LogLine> =>
      process.log(({ level, code }) => level === 'warn' && code === 'TM2010', 60_000);

    async function startOn(way: Way): Promise<RunningJob> {
      const run = await newRun(way);
      const input = `${run.app}-in`;
      await bench.tools.createTopic(input, 2);
      return { run: { ...run, input }, process: bench.start({ ...run, input }), records: 0 };
    }

    async function processWave(job: RunningJob): Promise<void> {
      const { app, input } = job.run;
      // The coordinator may be loading.
      const before = await bench.tools.offsets(app, input).catch((): number[] => []);
      await bench.produce(input, RECORDS);
      job.records += RECORDS;
      const wanted = [0, 1].map((partition) => Math.max(0, before[partition] ?? 0) + RECORDS / 2);
      await bench.tools.committed(app, input, wanted, 60_000);
    }

    async function expectExact({ run, process, records }: RunningJob): Promise<void> {
      process.signal('SIGTERM');
      const end = await process.end();
      expect(end).toMatchObject({ code: 0, stderr: '' });
      expectNoSecret(end.stdout);
      expect(await bench.toEnd(run)).toMatchObject({ code: 0, stderr: '' });
      expect(await bench.judge.clicks(run.output, records)).toMatchObject({ ok: true, total: records });
    }

    async function changedPassword(): Promise<void> {
      const job = await startOn(scram(512));
      for (const until = Date.now() + 2.5 * SESSION_MS; Date.now() < until;) await processWave(job);
      expect(warnings(job)).toEqual([]);
      await bench.secured.setScramPasswords({ bob: WRONG });
      expect((await refusalOf(job))['reason']).toContain('user bob');
      await bench.secured.setScramPasswords({ bob: SCRAM_PASSWORD });
      await processWave(job);
      await expectExact(job);
    }

    async function expiredToken(): Promise<void> {
      const token = file('short.token');
      await writeFile(token, unsignedToken('carol', Date.now() + 3 * SESSION_MS));
      const job = await startOn(tokenFile('short.token'));
      await processWave(job);
      expect((await refusalOf(job))['reason']).toContain('invalid_token');
      await writeFile(token, unsignedToken('carol', Date.now() + 60 * MINUTE_MS));
      await processWave(job);
      await expectExact(job);
    }

    // Both at once: each waits for the end of sessions most of the time.
    test('sessions are renewed unnoticed; a changed password and an expired token are told, and waited out', async () => {
      await Promise.all([changedPassword(), expiredToken()]);
    });
  });
});
