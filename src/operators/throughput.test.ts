import { defineJob, json, type Serde } from '../index';
import { must } from '../util/asserts';
import { compileStage } from './compile';
import type { RawRecord, RecordContext, TaskEnvironment } from './operator';
import { MemoryEnvironment } from './testing/memory-environment';

/** A quiet machine does many times this (compiled, not instrumented); something quadratic or asynchronous would not. */
const FLOOR = 150_000;
const RECORDS = 200_000;
const ROUNDS = 5;

interface Click {
  readonly user: string;
}
const users = Array.from({ length: 1000 }, (_, index): Click => ({ user: `user-${index}` }));
let next = 0;
const readyMade: Serde<Click> = {
  name: 'ready-made',
  write: () => undefined,
  read: () => must(users[next++ % users.length], 'user'),
};

const byUser = (click: Click): string => click.user;
const job = defineJob('speed', (env) =>
  env
    .source('clicks', { value: readyMade, partitionedBy: byUser })
    .keyBy(byUser)
    .count({ name: 'counts' })
    .map((count) => ({ count }))
    .to('out', { value: json() }),
);

function measure(): number {
  const memory = new MemoryEnvironment('clicks');
  let written = 0;
  const env: TaskEnvironment = {
    stage: 'clicks',
    partition: 0,
    store: (spec) => memory.store(spec),
    shuffle: (node) => memory.shuffle(node),
    sourcePartitions: () => 1,
    sink: () => ({ write: () => void written++ }),
  };
  const input = must(compileStage(must(job.topology.stages[0], 'stage'), env).inputs.get('clicks'), 'input');
  const ctx: RecordContext = {
    key: undefined,
    timestamp: 0,
    topic: 'clicks',
    partition: 0,
    offset: 0,
    headers: () => [],
  };
  const record: RawRecord = { buffer: Buffer.from('kv'), keyStart: 0, keyEnd: 1, valueStart: 1, valueEnd: 2 };
  const start = process.hrtime.bigint();
  for (let i = 0; i < RECORDS; i++) {
    ctx.offset = i;
    input.handle(record, ctx);
  }
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  expect(written).toBe(RECORDS);
  return RECORDS / seconds;
}

it('a chain of source, keyBy in place, count, map and sink is not what limits a task', () => {
  const best = Math.max(...Array.from({ length: ROUNDS }, measure));
  if (process.env['TIDEMARK_TEST_VERBOSE'] !== undefined)
    process.stdout.write(`${Math.round(best)} records/s\n`);
  expect(best).toBeGreaterThan(FLOOR);
});
