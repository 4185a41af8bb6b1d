import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TidemarkError } from '../../errors';
import { VirtualPlatform } from '../client/testing/virtual-platform';
import { tokensFromEndpoint, tokensFromFile } from './oauth-tokens';

const SECRET = 'hunter2+/=&';

async function refusal(promise: Promise<unknown>): Promise<TidemarkError> {
  return promise.then(
    () => Promise.reject(new Error('it went well')),
    (error: unknown) => error as TidemarkError,
  );
}

describe('from a file', () => {
  let folder: string;
  beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'tidemark-token-'))));
  afterAll(() => rm(folder, { recursive: true }));

  it('is read for each login', async () => {
    const path = join(folder, 'token');
    const next = tokensFromFile(path);
    await writeFile(path, 'one\n');
    expect(await next()).toEqual({ value: 'one' });
    await writeFile(path, 'two');
    expect(await next()).toEqual({ value: 'two' });
  });

  it('that is missing or empty is TM2010, with its path', async () => {
    const path = join(folder, 'empty');
    await writeFile(path, ' \n');
    for (const file of [path, join(folder, 'missing')]) {
      expect(await refusal(tokensFromFile(file)())).toMatchObject({
        code: 'TM2010',
        reaction: 'retry',
        where: file,
      });
    }
  });
});

describe('from an endpoint', () => {
  interface Received {
    readonly headers: IncomingMessage['headers'];
    readonly body: string;
  }
  const received: Received[] = [];
  let server: Server;
  let answer = { status: 200, body: '' };
  let platform: VirtualPlatform;
  let next: () => Promise<{ readonly value: string }>;

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        received.push({ headers: request.headers, body });
        response
          .writeHead(answer.status, answer.status === 302 ? { location: '/elsewhere' } : {})
          .end(answer.body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  beforeEach(() => {
    received.length = 0;
    platform = new VirtualPlatform();
    const { port } = server.address() as AddressInfo;
    const endpoint = {
      url: `http://127.0.0.1:${port}/token`,
      clientId: 'ada',
      clientSecret: SECRET,
      scope: 'kafka',
    };
    next = tokensFromEndpoint(endpoint, platform.clock, 5_000);
  });

  function grant(token: string, seconds: number): void {
    answer = { status: 200, body: JSON.stringify({ access_token: token, expires_in: seconds }) };
  }

  it('asks with the client credentials grant', async () => {
    grant('one', 100);
    expect(await next()).toEqual({ value: 'one' });
    const [asked] = received;
    expect(Object.fromEntries(new URLSearchParams(asked?.body))).toEqual({
      grant_type: 'client_credentials',
      scope: 'kafka',
    });
    const credentials = Buffer.from(
      String(asked?.headers.authorization).slice('Basic '.length),
      'base64',
    ).toString();
    expect(credentials).toBe('ada:hunter2%2B%2F%3D%26');
  });

  it('uses a token for four fifths of its life, and asks once for all who want one', async () => {
    grant('one', 100);
    await Promise.all([next(), next(), next()]);
    await platform.advance(79_000);
    expect(await next()).toEqual({ value: 'one' });
    expect(received).toHaveLength(1);
    grant('two', 100);
    await platform.advance(2_000);
    expect(await next()).toEqual({ value: 'two' });
    expect(received).toHaveLength(2);
  });

  it('that refuses is TM2010, with its word for it and nothing secret', async () => {
    answer = { status: 401, body: JSON.stringify({ error: 'invalid_client', error_description: SECRET }) };
    const error = await refusal(next());
    expect(error).toMatchObject({ code: 'TM2010', reaction: 'retry' });
    expect(error.describe()).toContain('HTTP status 401, invalid_client');
    expect(error.describe()).not.toContain('hunter2');
  });

  it('that gives no token is TM2010', async () => {
    answer = { status: 200, body: '<html>' };
    expect(await refusal(next())).toMatchObject({ code: 'TM2010' });
  });

  it.each([500, 503, 429])('that is in trouble (%d) is like a broker that is away', async (status) => {
    answer = { status, body: '' };
    expect((await refusal(next())).code).toBeUndefined();
    grant('after', 100);
    expect(await next()).toEqual({ value: 'after' });
  });

  it('that points elsewhere is not followed: the secret is for this address', async () => {
    answer = { status: 302, body: '' };
    await refusal(next());
    expect(received).toHaveLength(1);
  });
});
