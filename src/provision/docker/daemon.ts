import { request, type RequestOptions } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';

const PING_LIMIT_MS = 500;

/**
 * Asks for a Docker daemon: at `DOCKER_HOST` (`unix://` or `tcp://`), else at the usual sockets. An installed `docker` program says nothing
 * about a daemon, so `/_ping` of its API decides, within 500 ms.
 * @returns undefined when one answers, else the reason
 */
export async function whyNoDaemon(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const host = env['DOCKER_HOST'];
  if (host !== undefined && host !== '') {
    const target = targetOf(host);
    if (target === undefined) return `DOCKER_HOST '${host}' is neither unix:// nor tcp://`;
    return (await answersPing(target)) ? undefined : `no daemon answers at DOCKER_HOST ${host}`;
  }
  const sockets = usualSockets(env);
  const answers = await Promise.all(sockets.map((socketPath) => answersPing({ socketPath })));
  return answers.includes(true) ? undefined : `no daemon answers at ${sockets.join(' or ')}`;
}

function usualSockets(env: NodeJS.ProcessEnv): string[] {
  const runtimeDir = env['XDG_RUNTIME_DIR'];
  const rootless = runtimeDir === undefined || runtimeDir === '' ? [] : [join(runtimeDir, 'docker.sock')];
  return ['/var/run/docker.sock', ...rootless, join(homedir(), '.docker', 'run', 'docker.sock')];
}

function targetOf(host: string): RequestOptions | undefined {
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) };
  const tcp = /^tcp:\/\/(\[[^\]]+\]|[^:/]+):(\d+)\/?$/.exec(host);
  return tcp === null ? undefined : { host: (tcp[1] ?? '').replaceAll(/[[\]]/g, ''), port: Number(tcp[2]) };
}

/** A daemon that wants TLS answers plain HTTP with status 400; that is an answer. */
function answersPing(target: RequestOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ ...target, path: '/_ping', signal: AbortSignal.timeout(PING_LIMIT_MS) });
    ping.on('error', () => resolve(false));
    ping.on('response', (response) => {
      response.resume();
      resolve(response.statusCode === 200 || response.statusCode === 400);
    });
    ping.end();
  });
}
