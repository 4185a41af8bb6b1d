import { join } from 'node:path';
import type { DumpedRecord } from '../judge/judge';
import type { TestRecord } from '../support/kafka-tools';
import { TestBench, type BenchRun } from '../support/test-bench';

jest.setTimeout(120_000);

const JOB = join(__dirname, 'jobs', 'totals.ts');
const HOUR = 3_600_000;
/** Larger than any batch that the job sends. */
const OVERSIZE = 1_000_000;

let bench: TestBench;

beforeAll(async () => {
  bench = await TestBench.open();
});

afterAll(() => bench.close());

/** `count` payments of 20 users; some of them replaced by what breaks the job. */
function payments(count: number, bad: Readonly<Record<number, string>> = {}): TestRecord[] {
  return Array.from({ length: count }, (_, i) => {
    const user = `u${(i * 7) % 20}`;
    return { key: user, value: bad[i] ?? JSON.stringify({ user }), headers: { n: String(i) } };
  });
}

const garbage = (i: number): string => `{"user": not json ${i}`;
const exploding = (i: number): string => JSON.stringify({ user: `u${(i * 7) % 20}`, explode: true });
const holding = (i: number): string => JSON.stringify({ user: `u${(i * 7) % 20}`, hold: OVERSIZE });
const oversized = (i: number): string => JSON.stringify({ user: `u${(i * 7) % 20}`, size: OVERSIZE });

/** Topics and command line of one case. */
async function makeCase(
  name: string,
  shape: 'shuffle' | 'in-place',
  policy: 'fail' | 'skip' | 'dead-letter',
): Promise<{ run: BenchRun; input: string; output: string; dead: string }> {
  const [input, output, dead] = [`${name}-payments`, `${name}-totals`, `${name}-dead`];
  await Promise.all([
    bench.tools.createTopic(input, 2),
    bench.tools.createTopic(output, 2),
    bench.tools.createTopic(dead, 1),
  ]);
  const set: Record<string, string> = { 'bad-input.policy': policy };
  if (policy === 'dead-letter') set['bad-input.dead-letter-topic'] = dead;
  const env = { JOB_INPUT: input, JOB_OUTPUT: output, JOB_SHAPE: shape };
  return { run: { job: JOB, app: name, set, env }, input, output, dead };
}

function headersOf(record: DumpedRecord | undefined): Record<string, string> {
  return Object.fromEntries((record?.headers ?? []).map(({ key, value }) => [key, String(value)]));
}

test('fail: a record that cannot be read stops the job, named; a restart stops there again; skip is the way out', async () => {
  const { run, input, output } = await makeCase('unreadable', 'in-place', 'fail');
  await bench.tools.produce(input, payments(200, { 150: garbage(150) }));
  const dumped = await bench.judge.dump(input);
  const bad = dumped.find(({ value }) => String(value) === garbage(150));
  for (let start = 1; start <= 2; start++) {
    const end = await bench.toEnd(run);
    expect(end.stderr).toMatch(
      new RegExp(`^TM3001 .*\\(${input}-${bad?.partition}@${bad?.offset}\\): .*\\n$`),
    );
    expect(end.code).toBe(1);
    const offsets = await bench.tools.offsets('unreadable', input);
    expect(offsets[bad?.partition ?? -1]).toBeLessThanOrEqual(bad?.offset ?? -1);
    const committed = offsets.reduce((sum, offset) => sum + Math.max(0, offset), 0);
    if (committed > 0)
      expect(await bench.judge.clicks(output, committed)).toMatchObject({ ok: true, malformed: 0 });
  }
  const end = await bench.toEnd({ ...run, set: { 'bad-input.policy': 'skip' } });
  expect(end).toMatchObject({ code: 0, stderr: '' });
  expect(await bench.judge.clicks(output, 199)).toMatchObject({ ok: true, total: 199 });
});

test('fail: an operator that throws behind a shuffle stops the job, and no effect of the record stays', async () => {
  const { run, input, output } = await makeCase('throwing', 'shuffle', 'fail');
  await bench.tools.produce(input, payments(60, { 40: exploding(40) }));
  const end = await bench.toEnd(run);
  expect(end.stderr).toMatch(
    /^TM3002 .*cannot take the payment of u0 \(throwing-by-user-shuffle-\d@\d+\): .*\n$/,
  );
  expect(end.code).toBe(1);
  const again = await bench.toEnd({ ...run, set: { 'bad-input.policy': 'skip' } });
  expect(again.code).toBe(0);
  expect(await bench.judge.clicks(output, 59)).toMatchObject({ ok: true, total: 59 });
});

test.each(['in-place', 'shuffle'] as const)('skip, %s: counted, and all others exact', async (shape) => {
  const { run, input, output } = await makeCase(`skip-${shape}`, shape, 'skip');
  const bad = {
    3: garbage(3),
    50: exploding(50),
    51: exploding(51),
    120: oversized(120),
    199: exploding(199),
  };
  await bench.tools.produce(input, payments(200, bad));
  const process = bench.start({ ...run, untilEnd: true });
  const end = await process.end();
  expect(end).toMatchObject({ code: 0, stderr: '' });
  expect(process.logs().at(-1)).toMatchObject({ message: 'done', skipped: 5 });
  expect(await bench.judge.clicks(output, 195)).toMatchObject({ ok: true, total: 195, records: 195 });
});

test.each(['in-place', 'shuffle'] as const)(
  'a state value that its changelog does not take, %s: the record is found; fail names it, skip passes it by alone',
  async (shape) => {
    const name = `state-${shape}`;
    const { run, input, output } = await makeCase(name, shape, 'fail');
    await bench.tools.produce(input, payments(2000, { 700: holding(700), 1500: holding(1500) }));
    const failed = await bench.toEnd(run);
    const where = shape === 'in-place' ? input : `${name}-by-user-shuffle`;
    expect(failed.stderr).toMatch(
      new RegExp(`^TM3003 a state change of task .* cannot be written: .*\\(${where}-\\d@\\d+\\): .*\\n$`),
    );
    expect(failed.code).toBe(1);
    const process = bench.start({ ...run, set: { 'bad-input.policy': 'skip' }, untilEnd: true });
    expect(await process.end()).toMatchObject({ code: 0, stderr: '' });
    expect(process.logs().at(-1)).toMatchObject({ message: 'done', skipped: 2 });
    expect(await bench.judge.clicks(output, 1998)).toMatchObject({ ok: true, total: 1998, records: 1998 });
  },
);

test('many in a row: each is passed by a commit of its own, so that the next replay does not meet it again', async () => {
  const { run, input } = await makeCase('row', 'in-place', 'skip');
  const count = 25;
  await bench.tools.produce(
    input,
    Array.from({ length: count }, (_, i) => ({ key: 'u0', value: exploding(20 * i) })),
  );
  const process = bench.start({ ...run, untilEnd: true });
  expect(await process.end()).toMatchObject({ code: 0, stderr: '' });
  expect(process.logs().at(-1)).toMatchObject({
    message: 'done',
    recordsIn: expect.any(Number),
    skipped: count,
  });
  const replays = process.logs().filter(({ message }) => message.startsWith('record set aside'));
  expect(replays).toHaveLength(count);
  const epochs = process
    .logs()
    .flatMap(({ message, epoch }) => (message === 'task recovered' ? [Number(epoch)] : []));
  expect(Math.max(...epochs)).toBeGreaterThanOrEqual(count - 1);
});

test('dead-letter: each bad record once and byte for byte, through any number of deaths', async () => {
  const { run, input, output, dead } = await makeCase('letters', 'in-place', 'dead-letter');
  const WAVE = 120;
  const bad: Record<number, string> = {};
  // Each wave of records meets another death in the middle of its first or second epoch.
  const faults = [
    'abort.dropped:2',
    'epoch.sealed:2',
    'txn.end-sent:2',
    'txn.end-answered:3',
    'local.applied:2',
  ];
  for (const [wave, TIDEMARK_FAULT] of faults.entries()) {
    const records = payments(WAVE * (wave + 1));
    for (const [k, make] of [garbage, exploding, oversized, exploding].entries()) {
      const i = WAVE * wave + 7 + 30 * k;
      bad[i] = make(i);
      records[i] = { ...records[i], value: bad[i] };
    }
    await bench.tools.produce(input, records.slice(WAVE * wave));
    const { signal } = await bench.toEnd({ ...run, env: { ...run.env, TIDEMARK_FAULT } });
    expect([TIDEMARK_FAULT, signal]).toEqual([TIDEMARK_FAULT, 'SIGKILL']);
  }
  expect(await bench.toEnd(run)).toMatchObject({ code: 0, stderr: '' });
  const good = faults.length * (WAVE - 4);
  expect(await bench.judge.clicks(output, good)).toMatchObject({ ok: true, total: good, records: good });
  const sent = (await bench.judge.dump(input)).filter(({ headers }) => String(headers[0]?.value) in bad);
  const letters = await bench.judge.dump(dead);
  const nameOf = ({ partition, offset }: DumpedRecord): string => `${partition}@${offset}`;
  const originOf = (letter: DumpedRecord): string =>
    `${headersOf(letter)['tidemark.partition']}@${headersOf(letter)['tidemark.offset']}`;
  expect(letters.map(originOf).sort()).toEqual(sent.map(nameOf).sort());
  for (const original of sent) {
    const letter = letters.find((one) => originOf(one) === nameOf(original));
    expect([letter?.key, letter?.value]).toEqual([original.key, original.value]);
    expect(letter?.headers.slice(0, original.headers.length)).toEqual(original.headers);
    const code = ['TM3001', 'TM3002', 'TM3003', 'TM3002'][
      ((Number(headersOf(original)['n']) % WAVE) - 7) / 30
    ];
    expect(headersOf(letter)).toMatchObject({ 'tidemark.error.code': code, 'tidemark.topic': input });
    expect(headersOf(letter)['tidemark.error.message']).toMatch(/./);
  }
});

test('dead-letter behind a shuffle: the value as the job wrote it, without the envelope of the shuffle', async () => {
  const { run, input, dead } = await makeCase('shuffled-letter', 'shuffle', 'dead-letter');
  await bench.tools.produce(input, payments(10, { 4: exploding(4) }));
  expect(await bench.toEnd(run)).toMatchObject({ code: 0, stderr: '' });
  const letters = await bench.judge.dump(dead);
  expect(letters.map(({ value }) => String(value))).toEqual([exploding(4)]);
  expect(headersOf(letters[0])).toMatchObject({ 'tidemark.topic': 'shuffled-letter-by-user-shuffle' });
});

test('a timestamp that the sink topic refuses is bad input, and reaches the dead-letter topic all the same', async () => {
  const { run, input, dead } = await makeCase('future', 'in-place', 'dead-letter');
  const output = 'future-strict-totals';
  const bounds = {
    'message.timestamp.before.max.ms': String(24 * HOUR),
    'message.timestamp.after.max.ms': String(HOUR),
  };
  await bench.tools.createTopic(output, 2, bounds);
  const wide = 'future-wide-payments';
  await bench.tools.createTopic(wide, 1, { 'message.timestamp.after.max.ms': '9223372036854775807' });
  const now = Date.now();
  const stamps = new Map([
    [5, now + 48 * HOUR],
    [9, now - 48 * HOUR],
  ]);
  const records = payments(20).map((record, i) => ({ ...record, timestamp: String(stamps.get(i) ?? now) }));
  await bench.tools.produce(wide, records);
  const env = { ...run.env, JOB_INPUT: wide, JOB_OUTPUT: output };
  const failed = await bench.toEnd({ ...run, app: 'future-fail', set: {}, env });
  expect(failed.stderr).toMatch(/^TM3006 .*future-strict-totals.*\(future-wide-payments-0@5\): .*\n$/);
  expect(failed.code).toBe(1);
  expect(await bench.toEnd({ ...run, env })).toMatchObject({ code: 0, stderr: '' });
  expect(await bench.judge.clicks(output, 18)).toMatchObject({ ok: true, total: 18 });
  const letters = await bench.judge.dump(dead);
  expect(letters.map((letter) => Number(headersOf(letter)['tidemark.offset'])).sort()).toEqual([5, 9]);
  expect(letters.map((letter) => Number(headersOf(letter)['tidemark.timestamp']))).toEqual([
    ...stamps.values(),
  ]);
  expect(input).not.toBe(wide);
});
