import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { LOOPBACK } from './server-properties';

// Below the range that Linux and BSD hand out to outgoing connections: a broker that is down for a moment must find its port free.
const LOWEST = 20_000;
const HIGHEST = 32_000;
const TRIES = 200;

/** `count` different ports on which nothing listens on the loopback address now. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count; tries += 1) {
    if (tries === TRIES) throw new Error(`no ${count} free ports between ${LOWEST} and ${HIGHEST}`);
    const port = randomInt(LOWEST, HIGHEST);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: LOOPBACK, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
