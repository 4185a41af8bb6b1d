import { join } from 'node:path';
import { OLDEST_JAVA, parseJavaVersion } from '../versions';
import { runCommand } from './run-command';

const VERSION_LIMIT_MS = 20_000;

export interface Java {
  /** The `java` program. */
  readonly command: string;
  /** The `javac` that belongs to it; there is none in a bare runtime. */
  readonly compiler: string;
  /** Feature release, such as 17. */
  readonly release: number;
}

/**
 * A Java 17 or newer: that of `JAVA_HOME` if it is set and will do, else the one on the path.
 * @returns the Java, or the reason why there is none
 */
export async function findJava(env: NodeJS.ProcessEnv = process.env): Promise<Java | string> {
  const home = env['JAVA_HOME'];
  const candidates = home === undefined || home === '' ? [''] : [join(home, 'bin'), ''];
  const reasons: string[] = [];
  for (const folder of candidates) {
    const java = await javaIn(folder);
    if (typeof java !== 'string') return java;
    reasons.push(java);
  }
  return reasons.join('; ');
}

async function javaIn(folder: string): Promise<Java | string> {
  const command = folder === '' ? 'java' : join(folder, 'java');
  const { code, output } = await runCommand(command, ['-version'], { limitMs: VERSION_LIMIT_MS });
  if (code !== 0) return `'${command}' cannot be run`;
  const release = parseJavaVersion(output);
  if (release === undefined) return `'${command} -version' prints no version`;
  if (release < OLDEST_JAVA) return `'${command}' is Java ${release}, older than ${OLDEST_JAVA}`;
  return { command, compiler: folder === '' ? 'javac' : join(folder, 'javac'), release };
}
