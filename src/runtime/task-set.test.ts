import { COMMIT_RECORD_KEY, encodeCommitRecord, type CommitRecord } from '../epoch/protocol/commit-record';
import { TidemarkError } from '../errors';
import { BatchBuilder, finishBatch } from '../kafka/codec/batch-builder';
import type { FakePartition } from '../kafka/client/testing/fake-port';
import type { CommittedOffset, TopicPartition } from '../kafka/port';
import { OutputBuffers } from '../sink/output-buffers';
import { STATE_KEY_PREFIX } from '../state/state-key';
import type { FaultPoint } from '../util/fault-points';
import { TaskSet } from './task-set';
import { COUNTING, COUNTING_CHANGELOG, setUpRuntime, SHUFFLE, SOURCE } from './testing/runtime-context';
import { TimestampBounds } from './timestamp-bounds';

const UNSTABLE_OFFSET_COMMIT = 88;
const COUNTS = { stage: COUNTING, partition: 0 };
const CLICKS = { stage: SOURCE, partition: 0 };

function setUp(fault?: (point: FaultPoint) => void) {
  const runtime = setUpRuntime(fault === undefined ? {} : { fault });
  const { context } = runtime;
  const output = new OutputBuffers({ maxBatchBytes: () => 100_000, compression: 'none' });
  const bounds = new TimestampBounds(context.topics, context.platform.clock);
  const tasks = new TaskSet(context, { context, output, bounds });
  return { ...runtime, tasks };
}

const committed = (partitions: readonly TopicPartition[], offset: number, errorCode = 0) => ({
  errorCode: 0,
  offsets: partitions.map(({ topic, partition }): CommittedOffset => ({
    topic,
    partition,
    errorCode,
    offset: BigInt(offset),
    metadata: null,
  })),
});

describe('B4: the offsets of the group are read when no transaction with offsets is open', () => {
  it('waits for an open one: what the group had before it is not where the job begins', async () => {
    const { tasks, kafka, platform, log } = setUp();
    log(SOURCE).append({ values: ['a', 'b', 'c'] });
    // A coordinator that is not asked to wait answers with the offset before the open transaction (KIP-447).
    let open = 3;
    const answer = (partitions: readonly TopicPartition[] | null, requireStable: boolean) => {
      if (!requireStable) return committed(partitions!, 1);
      return open-- > 0 ? committed(partitions!, -1, UNSTABLE_OFFSET_COMMIT) : committed(partitions!, 2);
    };
    const handlers = Array.from(
      { length: 4 },
      () => (_: string, partitions: readonly TopicPartition[] | null, stable: boolean) =>
        answer(partitions, stable),
    );
    kafka.script('offsetFetch', ...handlers);
    await platform.until(tasks.adopt([CLICKS]));
    expect(kafka.callsOf('offsetFetch')).toHaveLength(4);
    expect(tasks.all()[0]!.inputs[0]!.position).toBe(2);
    expect(tasks.pinned).toBe(false);
    await tasks.close();
  });

  it('gives up after a while', async () => {
    const { tasks, kafka, platform } = setUp();
    const handlers = Array.from({ length: 200 }, () => () => ({
      errorCode: UNSTABLE_OFFSET_COMMIT,
      offsets: [],
    }));
    kafka.script('offsetFetch', ...handlers);
    await expect(platform.until(tasks.adopt([CLICKS]))).rejects.toMatchObject({
      code: 'TM2002',
      message: expect.stringContaining('OffsetFetch'),
    });
    await tasks.close();
  });
});

const stateKey = (name: string): Buffer => Buffer.concat([Buffer.of(STATE_KEY_PREFIX), Buffer.from(name)]);

/** One epoch of the counting task: its changes and its commit record, as one batch. */
function appendEpoch(log: FakePartition, now: number, epoch: number, names: readonly string[]): void {
  const record: CommitRecord = {
    task: `${COUNTING}/0`,
    epoch,
    incarnation: 1,
    generation: 1,
    transactionalId: 'app-i-0',
    producerId: '7',
    producerEpoch: 0,
    offsets: { [SHUFFLE]: epoch * 10 },
  };
  const builder = new BatchBuilder({ maxBatchBytes: 10_000 });
  const add = (key: Buffer, value: Buffer) =>
    builder.appendBytes(now, key, 0, key.length, value, 0, value.length, null);
  for (const name of names) add(stateKey(name), Buffer.from(String(epoch)));
  add(COMMIT_RECORD_KEY, encodeCommitRecord(record));
  const identity = { producerId: -1n, producerEpoch: -1, baseSequence: -1, transactional: false };
  const bytes = finishBatch(builder.take()[0]!, identity);
  const base = log.highWatermark;
  bytes.writeBigInt64BE(BigInt(base), 0);
  log.highWatermark = log.lastStableOffset = base + names.length + 1;
  log.batches.push({ base, end: log.highWatermark, bytes });
}

describe('C1: a store that this process still holds after a failed recovery', () => {
  it('is no store at all when its replay never came to a marker: it is put aside, and rebuilt from the log', async () => {
    let dying = true;
    const { tasks, kafka, platform, log } = setUp((point) => {
      if (point === 'recovery.mid-replay' && dying) throw new TidemarkError('TM5004', 'abort-epoch', 'dies');
    });
    kafka.script('offsetFetch', (_, partitions) => committed(partitions!, 20));
    const changelog = log(COUNTING_CHANGELOG);
    const now = platform.clock.now();
    appendEpoch(changelog, now, 1, ['stays', 'goes']);
    await expect(platform.until(tasks.adopt([COUNTS]))).rejects.toThrow('dies');
    // Meanwhile "goes" was deleted, and compaction removed its value and, long after, its tombstone.
    const { base, end } = changelog.batches.splice(0)[0]!;
    changelog.highWatermark = base;
    appendEpoch(changelog, now, 1, ['stays']);
    changelog.highWatermark = end;
    appendEpoch(changelog, now, 2, ['stays']);
    dying = false;
    await platform.until(tasks.reload());
    const { state, epoch } = tasks.all()[0]!;
    expect(epoch).toBe(2);
    expect(state.readFromLocalStore(stateKey('stays'))?.toString()).toBe('2');
    expect(state.readFromLocalStore(stateKey('goes'))).toBeUndefined();
    await tasks.close();
  });

  it('is continued with the tail when it has a marker', async () => {
    const { tasks, kafka, platform, log } = setUp();
    kafka.script('offsetFetch', (_, partitions) => committed(partitions!, 10));
    appendEpoch(log(COUNTING_CHANGELOG), platform.clock.now(), 1, ['a']);
    await platform.until(tasks.adopt([COUNTS]));
    tasks.drop();
    appendEpoch(log(COUNTING_CHANGELOG), platform.clock.now(), 2, ['b']);
    await platform.until(tasks.reload());
    expect(tasks.reports.map(({ how, records }) => [how, records])).toEqual([
      ['rebuild', 2],
      ['tail', 2],
    ]);
    const { state } = tasks.all()[0]!;
    expect(['a', 'b'].map((name) => state.readFromLocalStore(stateKey(name))?.toString())).toEqual([
      '1',
      '2',
    ]);
    await tasks.close();
  });
});
