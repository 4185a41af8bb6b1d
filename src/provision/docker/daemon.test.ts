import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { whyNoDaemon } from './daemon';

let server: Server | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
});

/** An HTTP server; `status` undefined: it never answers. */
async function daemon(status: number | undefined): Promise<string> {
  server = createServer((request, response) => {
    if (status !== undefined) response.writeHead(request.url === '/_ping' ? status : 404).end();
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it.each([200, 400])('is there when it answers with %d', async (status) => {
  expect(await whyNoDaemon({ DOCKER_HOST: await daemon(status) })).toBeUndefined();
});

it.each([500, undefined])('is not there when it answers with %s', async (status) => {
  const host = await daemon(status);
  expect(await whyNoDaemon({ DOCKER_HOST: host })).toBe(`no daemon answers at DOCKER_HOST ${host}`);
});

it('is not there when nothing listens, or the scheme is another one', async () => {
  expect(await whyNoDaemon({ DOCKER_HOST: 'unix:///nowhere/docker.sock' })).toMatch(/no daemon answers/);
  expect(await whyNoDaemon({ DOCKER_HOST: 'ssh://host' })).toMatch(/neither/);
});
