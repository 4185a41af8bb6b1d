import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestRecord } from '../support/kafka-tools';
import { TestBench, type BenchRun } from '../support/test-bench';

jest.setTimeout(90_000);

const JOB = join(__dirname, 'jobs', 'totals.ts');
const USERS = 400;
const FEW_RESTARTS = {
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': '2',
  'restart-strategy.fixed-delay.delay': '100 ms',
};

let bench: TestBench;

beforeAll(async () => {
  bench = await TestBench.open();
});

afterAll(() => bench.close());

/** One payment of each user. */
function wave(): TestRecord[] {
  return Array.from({ length: USERS }, (_, i) => ({
    key: `u${i}`,
    value: JSON.stringify({ user: `u${i}` }),
  }));
}

async function makeJob(app: string): Promise<{ run: BenchRun; input: string; output: string }> {
  const [input, output] = [`${app}-in`, `${app}-out`];
  await Promise.all([bench.tools.createTopic(input, 1), bench.tools.createTopic(output, 1)]);
  const env = { JOB_INPUT: input, JOB_OUTPUT: output, JOB_SHAPE: 'in-place' };
  return { run: { job: JOB, app, env }, input, output };
}

/** Changes one byte in the middle of a file. */
async function flipByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  await writeFile(path, bytes);
}

test('local store damaged in any way: set aside, said, rebuilt, exact', async () => {
  const { run, input, output } = await makeJob('damaged');
  const folder = join(bench.folder, 'damaged', 'damaged', 'one', input, '0');
  // Opening moves what is in the log to a table file.
  const moveToTable = async () => expect(await bench.toEnd(run)).toMatchObject({ code: 0, stderr: '' });
  const damages: [string, (files: readonly string[]) => Promise<void>][] = [
    [
      'a flipped byte in a table',
      (files) => flipByte(join(folder, files.find((name) => name.endsWith('.ldb')) ?? '')),
    ],
    [
      'no CURRENT',
      async () => {
        // LevelDB finds its log again without CURRENT, its tables not.
        await moveToTable();
        await rm(join(folder, 'CURRENT'));
      },
    ],
    ['a flipped byte', (files) => flipByte(join(folder, files.find((name) => name.endsWith('.log')) ?? ''))],
    ['no manifest', (files) => rm(join(folder, files.find((name) => name.startsWith('MANIFEST')) ?? ''))],
    ['garbage in CURRENT', () => writeFile(join(folder, 'CURRENT'), 'nonsense')],
    ['no folder', () => rm(folder, { recursive: true })],
  ];
  await bench.tools.produce(input, wave());
  expect(await bench.toEnd(run)).toMatchObject({ code: 0, stderr: '' });
  let waves = 1;
  await moveToTable();
  for (const [what, damage] of damages) {
    await damage(await readdir(folder));
    await bench.tools.produce(input, wave());
    waves++;
    const process = bench.start({ ...run, untilEnd: true });
    expect([what, await process.end()]).toMatchObject([what, { code: 0, stderr: '' }]);
    const recovered = process.logs().find(({ message }) => message === 'task recovered');
    expect([what, recovered]).toMatchObject([what, { task: `${input}/0`, how: 'rebuild' }]);
    const aside = process.logs().find(({ message }) => message.startsWith('local store set aside'));
    if (what === 'no folder') expect(aside).toBeUndefined();
    else expect([what, aside]).toMatchObject([what, { level: 'warn', reason: expect.stringMatching(/./) }]);
  }
  const total = waves * USERS;
  expect(await bench.judge.clicks(output, total)).toMatchObject({ ok: true, total, records: total });
});

test('a state folder that cannot be one: tried again, then TM5007 with the cause; mended, the job goes on', async () => {
  const { run, input, output } = await makeJob('file');
  await bench.tools.produce(input, wave());
  const stateDir = join(bench.folder, 'no-folder');
  await writeFile(stateDir, '');
  const process = bench.start({ ...run, stateDir, set: FEW_RESTARTS, untilEnd: true });
  const end = await process.end();
  expect(end.stderr).toMatch(/^TM5007 gave up after 2 attempts: TM4005 [^\n]*no-folder[^\n]*\n$/);
  expect(end.code).toBe(1);
  expect(process.logs().filter(({ code }) => code === 'TM4005')).toHaveLength(3);
  await rm(stateDir);
  expect(await bench.toEnd({ ...run, stateDir })).toMatchObject({ code: 0, stderr: '' });
  expect(await bench.judge.clicks(output, USERS)).toMatchObject({ ok: true, total: USERS });
});

test('disk full in mid-run: the epoch fails and is retried; with room again the job goes on by itself, exact', async () => {
  const { run, input, output } = await makeJob('full');
  const stateDir = join(bench.folder, 'small-disk');
  if (!(await mountSmallDisk(stateDir))) return console.warn('skipped: no file system can be mounted here');
  try {
    const filler = join(stateDir, 'filler');
    const process = bench.start({ ...run, stateDir });
    await bench.tools.produce(input, wave());
    await bench.tools.committed('full', input, [USERS]);
    await fill(filler);
    await bench.tools.produce(input, [...wave(), ...wave()]);
    const failed = await process.log(({ code }) => code === 'TM4005');
    expect(failed).toMatchObject({ level: 'warn', reason: expect.stringContaining(stateDir) });
    await rm(filler);
    await bench.tools.produce(input, wave());
    await bench.tools.committed('full', input, [4 * USERS]);
    process.signal('SIGTERM');
    expect(await process.end()).toMatchObject({ code: 0, stderr: '' });
    const total = 4 * USERS;
    expect(await bench.judge.clicks(output, total)).toMatchObject({ ok: true, total, records: total });
    await fill(filler);
    await bench.tools.produce(input, wave());
    const end = await bench.toEnd({ ...run, stateDir, set: FEW_RESTARTS });
    expect(end.stderr).toMatch(/^TM5007 gave up after 2 attempts: TM4005 [^\n]*small-disk[^\n]*\n$/);
    expect(end.code).toBe(1);
  } finally {
    execFileSync('umount', ['-l', stateDir]);
  }
});

/** A file system of 3 MB in memory; false where one may not be mounted. */
async function mountSmallDisk(folder: string): Promise<boolean> {
  await mkdir(folder);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Until nothing more fits. */
async function fill(path: string): Promise<void> {
  for (const size of [65_536, 4096, 512, 1]) {
    const piece = Buffer.alloc(size);
    for (let full = false; !full;)
      full = await appendFile(path, piece).then(
        () => false,
        () => true,
      );
  }
}
