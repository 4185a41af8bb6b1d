import { join } from 'node:path';
import { TestBench } from '../support/test-bench';

jest.setTimeout(90_000);

let bench: TestBench;
beforeAll(async () => {
  bench = await TestBench.open();
});
afterAll(() => bench.close());

test('a job that reads its state with another serde than it was written with is refused at start: TM4007', async () => {
  const [input, output] = ['serde-in', 'serde-out'];
  await Promise.all([bench.tools.createTopic(input, 1), bench.tools.createTopic(output, 1)]);
  const run = (state: string) => ({
    job: join(__dirname, 'jobs', 'serde-change.ts'),
    app: 'serde-change',
    env: { JOB_INPUT: input, JOB_OUTPUT: output, JOB_STATE: state },
  });
  await bench.tools.produce(input, [{ value: JSON.stringify({ user: 'ann' }) }]);
  expect(await bench.toEnd(run('json'))).toMatchObject({ code: 0, stderr: '' });
  await bench.tools.produce(input, [{ value: JSON.stringify({ user: 'ann' }) }]);

  // Eight bytes of JSON are read as a double: ten million and one becomes one, and nobody hears of it.
  const end = await bench.toEnd(run('number'));
  expect(end.stderr).toMatch(/^TM4007 /);
  expect(end.code).toBe(2);
});
