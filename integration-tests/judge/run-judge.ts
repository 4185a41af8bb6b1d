import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { CompiledJudge } from './compile-judge';

const JUDGED_RIGHT = 0;
const JUDGED_WRONG = 3;
const KEPT_ERROR_CHARS = 8 * 1024;

/** Options of a judge command: `--name value`; those that are undefined are left out. */
export type JudgeOptions = Readonly<Record<string, string | number | undefined>>;

/**
 * Runs one command of the judge and hands over each line that it prints.
 * @throws Error with what it wrote to its standard error, when it could not judge
 */
export async function runJudge(
  { java, classPath }: CompiledJudge,
  command: string,
  options: JudgeOptions,
  onLine: (line: string) => void,
): Promise<void> {
  const words = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
  const jvm = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx512m'];
  const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error';
  const child = spawn(java, [...jvm, quiet, '-cp', classPath, 'Judge', command, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-KEPT_ERROR_CHARS);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const lines = createInterface({ input: child.stdout, crlfDelay: Infinity });
  const read = new Promise<void>((resolve) => lines.once('close', resolve));
  lines.on('line', onLine);
  const [code] = await Promise.all([ended, read]);
  if (code !== JUDGED_RIGHT && code !== JUDGED_WRONG) {
    throw new Error(`judge ${command} failed (${code ?? 'killed'}): ${errors.trim()}`);
  }
}
