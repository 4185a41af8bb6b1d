import type { TidemarkError } from '../errors';
import { testBatch } from '../kafka/client/testing/test-batches';
import { VirtualPlatform } from '../kafka/client/testing/virtual-platform';
import type { FetchedChunk, Fetcher } from '../kafka/client/fetcher';
import { RecordCursor } from '../kafka/codec/batch-reader';
import type { RawRecord, RecordContext } from '../operators/operator';
import { string } from '../serde';
import { OutputBuffers } from '../sink/output-buffers';
import type { BadInputPolicy, SinkNode } from '../topology/graph';
import { BadRecords } from './bad-records';
import { RecordPump } from './record-pump';
import { ReplayNeeded } from './replay-needed';
import { TaskContext } from './task-context';
import type { Route, TaskSet } from './task-set';
import { TopicBounds } from './timestamp-bounds';
import { KafkaSinkWriter } from './writers';

const MAX_MESSAGE_BYTES = 200;
const textOf = (record: RawRecord): string =>
  record.buffer.toString('utf8', record.valueStart, record.valueEnd);

/** A task that writes each value of its input to a sink topic that takes records of up to 139 bytes. */
function setUp(policy: BadInputPolicy, handle: (value: string, write: (text: string) => void) => void) {
  const platform = new VirtualPlatform();
  const output = new OutputBuffers({
    maxBatchBytes: (topic) => (topic === 'out' ? MAX_MESSAGE_BYTES : 10_000),
    compression: 'none',
  });
  const bounds = new TopicBounds('out', 1000, 1000);
  const node = { topic: 'out', key: string(), value: string() } as unknown as SinkNode;
  const writer = new KafkaSinkWriter(output, node, 1, bounds);
  const task = { id: { stage: 's', partition: 0 }, context: new TaskContext(), records: 0 };
  const input = {
    topic: 'in',
    partition: 0,
    shuffle: false,
    source: null,
    position: 0,
    committed: 0,
    stopAt: null,
    handler: {
      handle: (record: RawRecord, ctx: RecordContext) =>
        handle(textOf(record), (text) => writer.write(null, text, ctx)),
    },
  };
  const chunks: FetchedChunk[] = [];
  const badRecords = new BadRecords();
  const pump = new RecordPump({
    fetcher: {
      poll: () => chunks.shift() ?? null,
      isDrained: () => chunks.length === 0,
    } as unknown as Fetcher,
    tasks: { route: () => ({ task, input }) as unknown as Route } as unknown as TaskSet,
    output,
    platform,
    badRecords,
    badInput: policy,
    deadLetterTopic: (topic) => ({
      topic,
      partitions: 1,
      bounds: new TopicBounds(topic, Infinity, Infinity),
    }),
  });
  /** What an aborted epoch does before its replay. */
  const abort = (): void => {
    pump.drop();
    output.discard();
    input.position = 0;
  };
  const feed = (...values: string[]): void => {
    const records = testBatch({ baseOffset: 0, values });
    chunks.push({
      topic: 'in',
      partition: 0,
      records,
      fetchOffset: 0,
      nextOffset: values.length,
      abortedTransactions: [],
    } as unknown as FetchedChunk);
  };
  /** Epoch by epoch, until nothing is left. */
  const runToEnd = (): void => {
    while (pump.run(Infinity)) if (pump.mustEndEpoch) pump.epochEnded();
  };
  return { pump, runToEnd, output, input, badRecords, bounds, abort, feed };
}

/** Values of what would be sent, by topic. */
function written(output: OutputBuffers): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { topic, batches } of output.take()) {
    for (const { buffer } of batches) {
      const cursor = new RecordCursor();
      cursor.load(buffer, { fetchOffset: 0, abortedTransactions: null, verifyCrc: false });
      while (cursor.next()) (found[topic] ??= []).push(textOf(cursor));
    }
  }
  return found;
}

function replayNeeded(action: () => unknown): TidemarkError {
  try {
    action();
  } catch (error) {
    if (error instanceof ReplayNeeded) return error.reason;
    throw error;
  }
  throw new Error('no replay was asked for');
}

const SKIP: BadInputPolicy = { kind: 'skip' };
const DEAD: BadInputPolicy = { kind: 'dead-letter', topic: 'dead' };

describe('A8: a record is judged when it is written, not when the epoch ends', () => {
  const big = 'x'.repeat(MAX_MESSAGE_BYTES);
  const grow = (value: string, write: (text: string) => void): void => write(value === 'b' ? big : value);

  it('TM3003 for the very record that is too large for its topic; the others go out', () => {
    const { pump, runToEnd, output, badRecords, abort, feed } = setUp(SKIP, grow);
    feed('a', 'b', 'c');
    expect(replayNeeded(() => pump.run(Infinity))).toMatchObject({ code: 'TM3003' });
    expect([...badRecords.in('in', 0)!.keys()]).toEqual([1]);
    abort();
    feed('a', 'b', 'c');
    runToEnd();
    expect(written(output)).toEqual({ out: ['a', 'c'] });
  });

  it('with policy fail the job stops there', () => {
    const { pump, feed } = setUp({ kind: 'fail' }, grow);
    feed('a', 'b');
    expect(() => pump.run(Infinity)).toThrow(expect.objectContaining({ code: 'TM3003' }));
  });

  it('lets a record without a timestamp pass, as brokers do', () => {
    const bounds = new TopicBounds('out', 1000, 1000);
    bounds.refresh(1_700_000_000_000);
    expect(() => bounds.check(-1)).not.toThrow();
    expect(() => bounds.check(0)).toThrow(expect.objectContaining({ code: 'TM3006' }));
  });

  it.each([
    ['older', { min: 1, max: Infinity }],
    ['newer', { min: -1000, max: -1 }],
  ])('TM3006 for a timestamp that is %s than the broker would take', (side, { min, max }) => {
    const { pump, bounds, feed, badRecords } = setUp(SKIP, (value, write) => write(value));
    // The records of the test carry timestamp 0.
    Object.assign(bounds, { min, max });
    feed('a');
    const reason = replayNeeded(() => pump.run(Infinity));
    expect(reason).toMatchObject({ code: 'TM3006', message: expect.stringContaining(side) });
    expect([...badRecords.in('in', 0)!.keys()]).toEqual([0]);
  });
});

describe('A5: a record that broke an operator leaves nothing but its dead letter', () => {
  it('what it wrote before it threw is dropped with the epoch; in the replay it is not processed again', () => {
    let calls = 0;
    const { pump, runToEnd, output, abort, feed, input } = setUp(DEAD, (value, write) => {
      if (value === 'b') calls++;
      write(value);
      if (value === 'b') write('x'.repeat(MAX_MESSAGE_BYTES));
    });
    feed('a', 'b', 'c');
    expect(replayNeeded(() => pump.run(Infinity))).toMatchObject({ code: 'TM3003' });
    expect(input.position).toBe(1);
    abort();
    feed('a', 'b', 'c');
    runToEnd();
    expect(calls).toBe(1);
    expect(written(output)).toEqual({ out: ['a', 'c'], dead: ['b'] });
    expect(input.position).toBe(3);
  });
});
