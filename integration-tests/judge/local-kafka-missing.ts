import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { userCacheDir } from '../../src/provision/local/user-cache';
import { OLDEST_JAVA, parseJavaVersion } from '../../src/provision/versions';

const LIMIT_MS = 30_000;

/**
 * Why Kafka's own server of these versions cannot be run on this machine; undefined when it can. Synchronous, because Jest has to know
 * while it collects tests.
 */
export function whyNoLocalKafka(versions: readonly string[]): string | undefined {
  const home = process.env['JAVA_HOME'];
  const programs = home === undefined || home === '' ? ['java'] : [join(home, 'bin', 'java'), 'java'];
  if (!programs.some(isRecentJava)) return `no Java ${OLDEST_JAVA} or newer`;
  const missing = versions.filter((version) => !existsSync(join(userCacheDir(), 'kafka', version)));
  if (missing.length === 0) return undefined;
  const { status } = spawnSync('mvn', ['-v'], { timeout: LIMIT_MS });
  return status === 0 ? undefined : `no Maven to fetch Kafka ${missing.join(' and ')}`;
}

/** `describe`, or `describe.skip` with the reason printed. */
export function describeWithLocalKafka(versions: readonly string[]): jest.Describe {
  const reason = whyNoLocalKafka(versions);
  if (reason === undefined) return describe;
  process.stderr.write(`Skipped: tests that start their own Kafka (${reason})\n`);
  return describe.skip;
}

function isRecentJava(program: string): boolean {
  const { status, stderr } = spawnSync(program, ['-version'], { encoding: 'utf8', timeout: LIMIT_MS });
  return status === 0 && (parseJavaVersion(stderr) ?? 0) >= OLDEST_JAVA;
}
