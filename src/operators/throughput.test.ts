import { defineJob, json, type Serde } from '../index';
import { must } from '../util/asserts';
import { compileStage } from './compile';
import type { RawRecord, RecordContext, TaskEnvironment } from './operator';
import { MemoryEnvironment } from './testing/memory-environment';

/**
 * The chain may take so many times what decoding and encoding a record as JSON takes, which a task does for nearly every
 * record anyway. It takes about as long. What searches among the records before takes many times that; a chain that takes
 * twice as long as before is for the benchmarks to notice.
 */
const LIMIT = 3;
const RECORDS = 50_000;
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

/** Processor time of this process, microseconds: what others do on the machine meanwhile is not in it. */
function cost(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** What a slow machine, or instrumented code, is slow at too. */
function jsonOnly(): number {
  let bytes = 0;
  const input = Buffer.from('{"user":"user-17"}');
  const spent = cost(() => {
    for (let i = 0; i < RECORDS; i++) {
      const { user } = JSON.parse(input.toString('utf8')) as Click;
      bytes += Buffer.from(JSON.stringify({ user, count: i })).length;
    }
  });
  expect(bytes).toBeGreaterThan(RECORDS);
  return spent;
}

function chain(): number {
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
  const spent = cost(() => {
    for (let i = 0; i < RECORDS; i++) {
      ctx.offset = i;
      input.handle(record, ctx);
    }
  });
  // Synchronous: a chain that only began its work would be cheap.
  expect(written).toBe(RECORDS);
  return spent;
}

it('a chain of source, keyBy in place, count, map and sink is not what limits a task', () => {
  // In turn, and the best of each: the first rounds are those of a cold compiler, others meet a neighbour's garbage.
  const rounds = Array.from({ length: ROUNDS }, () => ({ whole: chain(), codec: jsonOnly() }));
  const whole = Math.min(...rounds.map((round) => round.whole));
  const codec = Math.min(...rounds.map((round) => round.codec));
  if (process.env['TIDEMARK_TEST_VERBOSE'] !== undefined)
    process.stdout.write(
      `${whole / RECORDS} µs a record, ${(whole / codec).toFixed(1)} times that of JSON\n`,
    );
  expect(whole / codec).toBeLessThan(LIMIT);
});
