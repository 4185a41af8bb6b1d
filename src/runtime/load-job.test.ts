import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTidemarkError } from '../errors';
import { loadJob } from './load-job';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'tidemark-job-'))));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function refusal(path: string): Promise<string> {
  const error: unknown = await loadJob(path).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isTidemarkError(error)) throw new Error('not refused', { cause: error });
  expect(error.reaction).toBe('usage');
  return error.describe().replaceAll(folder, '…');
}

/** A job by its brand: what another copy of the package makes. */
const JOB = `{ [Symbol.for('tidemark.job')]: true, name: 'clicks' }`;

test.each([
  ['commonjs.js', `module.exports = ${JOB};`],
  ['transpiled.cjs', `exports.__esModule = true; exports.default = ${JOB};`],
  ['commonjs.cts', `module.exports = ${JOB};`],
  ['typed.ts', `const job: object = ${JOB};\nexport default job;`],
])('takes the job of %s', async (name, text) => {
  const path = file(name, text);
  expect(await loadJob(path)).toMatchObject({ job: { name: 'clicks' }, modulePath: path });
});

describe('refuses', () => {
  test.each([
    ['empty.js', '', 'TM1003 job file exports an object by default, and not a job'],
    ['nothing.ts', 'export const x = 1;', 'TM1003 job file has no default export'],
    ['number.ts', 'export default 7;', 'TM1003 job file exports a number by default, and not a job'],
    ['null.ts', 'export default null;', 'TM1003 job file exports null by default, and not a job'],
    [
      'throws.ts',
      "throw new Error('no luck\\nat all');",
      'TM1003 job file cannot be loaded: no luck (…/throws.ts): the stack',
    ],
    ['throws.js', "throw 'a string';", 'TM1003 job file cannot be loaded: a string (…/throws.js): the stack'],
    ['syntax.ts', 'const = 1;', 'TM1003 job file cannot be loaded: '],
    ['job.txt', '', 'TM1003 a job file ends with .ts or .js (…/job.txt)'],
    ['job.sql', 'SELECT 1', 'TM1008 a job in SQL comes with the SQL release (…/job.sql)'],
  ])('%s', async (name, text, message) => expect(await refusal(file(name, text))).toContain(message));

  test('a file that is not there, and a folder', async () => {
    expect(await refusal(join(folder, 'none.ts'))).toBe(
      'TM1003 there is no such job file (…/none.ts): check the path',
    );
    expect(await refusal(folder)).toContain('TM1003 there is no such job file');
  });
});
