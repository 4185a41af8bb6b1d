import { join } from 'node:path';
import { TestBench } from '../support/test-bench';

jest.setTimeout(90_000);

const JOB = join(__dirname, 'jobs', 'totals.ts');
const WAVE = 100;

let bench: TestBench;
beforeAll(async () => {
  bench = await TestBench.open();
});
afterAll(() => bench.close());

const wave = (count: number): { key: string; value: string }[] =>
  Array.from({ length: count }, (_, i) => ({
    key: `u${i % 10}`,
    value: JSON.stringify({ user: `u${i % 10}` }),
  }));

test('a source that was deleted and created anew is a loud stop: none of its records is passed over in silence', async () => {
  const [input, output] = ['anew-in', 'anew-out'];
  await Promise.all([bench.tools.createTopic(input, 1), bench.tools.createTopic(output, 1)]);
  await bench.tools.produce(input, wave(WAVE));
  const run = { job: JOB, app: 'anew', env: { JOB_INPUT: input, JOB_OUTPUT: output, JOB_SHAPE: 'in-place' } };
  expect(await bench.toEnd(run)).toMatchObject({ code: 0, stderr: '' });

  await bench.tools.deleteTopic(input);
  await bench.tools.createTopic(input, 1);
  // More than before, so that the committed offset lies within the new log.
  await bench.tools.produce(input, wave(WAVE + 50));

  const end = await bench.toEnd(run);
  expect(end.stderr).toMatch(/^TM400\d [^\n]*anew-in[^\n]*\n$/);
  expect(end.code).not.toBe(0);
});
