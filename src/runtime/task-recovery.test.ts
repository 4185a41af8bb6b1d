import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  COMMIT_RECORD_KEY,
  decodeCommitRecord,
  encodeCommitRecord,
  type CommitRecord,
} from '../epoch/protocol/commit-record';
import type { Marker } from '../epoch/protocol/recovery-plan';
import { BatchBuilder, finishBatch } from '../kafka/codec/batch-builder';
import { MetadataCache } from '../kafka/client/metadata-cache';
import { FakeKafkaPort, type FakePartition } from '../kafka/client/testing/fake-port';
import { VirtualPlatform } from '../kafka/client/testing/virtual-platform';
import { ATTRIBUTE, LAYOUT } from '../kafka/codec/batch-header';
import { EncodedChanges } from '../state/encoded-changes';
import { levelBackend } from '../state/leveldb/level-backend';
import type { LocalStore } from '../state/local-store';
import { crc32c } from '../util/crc32c';
import { silentLogger } from '../util/logger';
import type { PlannedStage } from './job-plan';
import {
  recoverStore,
  resolveStart,
  resumeTask,
  type RecoveredStore,
  type RecoveryOptions,
} from './task-recovery';
import { Task, type TaskInput } from './task';

const TASK = { stage: 's', partition: 0 };
const IDENTITY = { clusterId: 'fake', topicId: 'id-changelog' };
const DELETE_RETENTION_MS = 10_000;

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const commitRecord = (epoch: number): CommitRecord => ({
  task: 's/0',
  epoch,
  incarnation: 1,
  generation: 1,
  transactionalId: 'app-i-0',
  producerId: '7',
  producerEpoch: 0,
  offsets: { in: epoch * 100 },
});

type Pair = readonly [Buffer, Buffer | null];
const stateKey = (name: string): Buffer => Buffer.from(`\x01${name}`);

/** The records of epoch n: one key of its own, one that all epochs write, one that every other epoch deletes. */
function recordsOf(epoch: number): Pair[] {
  return [
    [stateKey(`own-${epoch}`), Buffer.from(`${epoch}`)],
    [stateKey('shared'), Buffer.from(`${epoch}`)],
    [stateKey('flicker'), epoch % 2 === 0 ? null : Buffer.from(`${epoch}`)],
    [COMMIT_RECORD_KEY, encodeCommitRecord(commitRecord(epoch))],
  ];
}
const RECORDS_PER_EPOCH = 4;

function append(log: FakePartition, records: readonly Pair[], now: number): void {
  const builder = new BatchBuilder({ maxBatchBytes: 100_000 });
  for (const [key, value] of records) {
    builder.appendBytes(now, key, 0, key.length, value, 0, value?.length ?? 0, null);
  }
  const bytes = finishBatch(builder.take()[0]!, {
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    transactional: false,
  });
  bytes.writeBigInt64BE(BigInt(log.highWatermark), 0);
  const base = log.highWatermark;
  log.highWatermark += records.length;
  log.lastStableOffset = log.highWatermark;
  log.batches.push({ base, end: log.highWatermark, bytes });
}

/** As a broker with `message.timestamp.type=LogAppendTime` leaves the newest batch: it counts, and not what the producer wrote. */
function stamp(log: FakePartition, brokerTime: number): void {
  const { bytes } = log.batches.at(-1)!;
  bytes.writeInt16BE(bytes.readInt16BE(LAYOUT.ATTRIBUTES) | ATTRIBUTE.LOG_APPEND_TIME, LAYOUT.ATTRIBUTES);
  bytes.writeBigInt64BE(BigInt(brokerTime), LAYOUT.MAX_TIMESTAMP);
  bytes.writeUInt32BE(crc32c(bytes, LAYOUT.ATTRIBUTES, bytes.length), LAYOUT.CRC);
}

async function setUp() {
  const platform = new VirtualPlatform();
  const kafka = new FakeKafkaPort(platform);
  const [log] = kafka.topic('changelog');
  const root = await mkdtemp(join(tmpdir(), 'tidemark-recovery-'));
  folders.push(root);
  const backend = levelBackend(root, () => undefined);
  const client = { port: kafka.port, metadata: new MetadataCache(kafka.port, platform), platform };
  const options: RecoveryOptions = {
    client,
    backend,
    isolation: 'read_committed',
    repeatable: false,
    stableDeadlineMs: 1000,
    deleteRetentionMs: DELETE_RETENTION_MS,
    incarnation: 1,
    fault: () => undefined,
    logger: silentLogger,
  };
  const recover = async (over: Partial<RecoveryOptions> = {}, identity = IDENTITY): Promise<RecoveredStore> =>
    driven(
      platform,
      recoverStore(TASK, 'changelog', identity, await backend.open(TASK), { ...options, ...over }),
    );
  const epochs = (from: number, to: number): void => {
    for (let epoch = from; epoch <= to; epoch++) append(log!, recordsOf(epoch), platform.clock.now());
  };
  /** What `TaskSet` does with a recovered store, for a task with one input. */
  const resume = (recovered: RecoveredStore): Promise<void> => {
    const task = new Task({
      id: TASK,
      planned: { changelog: 'changelog' } as PlannedStage,
      incarnation: 1,
      inputs: [{ topic: 'in', partition: 0 } as TaskInput],
      identity: IDENTITY,
    } as unknown as ConstructorParameters<typeof Task>[0]);
    return driven(platform, resumeTask(task, recovered, options));
  };
  return { platform, kafka, log: log!, root, backend, client, recover, resume, epochs };
}

/** Real files and virtual time: turns of the event loop until nothing is left, then time. */
async function driven<T>(platform: VirtualPlatform, promise: Promise<T>): Promise<T> {
  let pending = true;
  const watched = promise.finally(() => (pending = false));
  watched.catch(() => undefined);
  for (let i = 0; pending && i < 2000; i++) {
    await platform.settle();
    if (i % 20 === 19) await platform.advance(20);
  }
  return watched;
}

/** A store as it is after epoch n was applied. */
async function writeStore(
  backend: ReturnType<typeof levelBackend>,
  epoch: number,
  over: Partial<Marker> = {},
  extraKey: string | null = null,
): Promise<void> {
  const { store } = await backend.open(TASK);
  for (let n = 1; n <= epoch; n++) {
    const changes = new EncodedChanges();
    for (const [key, value] of recordsOf(n)) changes.add(key, value);
    if (extraKey !== null) changes.add(stateKey(extraKey), Buffer.from('x'));
    await store!.apply(changes, {
      ...IDENTITY,
      incarnation: 1,
      leaderEpoch: 0,
      taskEpoch: n,
      nextOffset: n * RECORDS_PER_EPOCH,
      brokerTime: new VirtualPlatform().clock.now(),
      ...over,
    });
  }
  await store!.close();
}

/** What the store holds, and the epoch of its commit record. */
function contents(store: LocalStore, upTo: number): Record<string, string | undefined> {
  const keys = ['shared', 'flicker', ...Array.from({ length: upTo }, (_, i) => `own-${i + 1}`)];
  return Object.fromEntries(keys.map((key) => [key, store.get(stateKey(key))?.toString()]));
}
function expected(epoch: number): Record<string, string | undefined> {
  const own = Array.from({ length: epoch }, (_, i) => [`own-${i + 1}`, `${i + 1}`]);
  return {
    shared: `${epoch}`,
    flicker: epoch % 2 === 0 ? undefined : `${epoch}`,
    ...Object.fromEntries(own),
  };
}
async function expectEpoch(recovered: RecoveredStore, epoch: number, how: 'tail' | 'rebuild'): Promise<void> {
  expect({ how: recovered.how, epoch: recovered.replay.last?.epoch }).toEqual({ how, epoch });
  expect(contents(recovered.store, epoch)).toEqual(expected(epoch));
  await recovered.store.close();
}

describe('C1: an intact store is continued with the tail, a broken one is rebuilt', () => {
  it('replays what the store lacks', async () => {
    const { backend, epochs, recover } = await setUp();
    epochs(1, 5);
    await writeStore(backend, 3);
    const recovered = await recover();
    expect(recovered.replay.records).toBe(2 * RECORDS_PER_EPOCH);
    await expectEpoch(recovered, 5, 'tail');
  });

  it('replays the tail again after a death between the replay and its marker', async () => {
    const { backend, epochs, recover } = await setUp();
    epochs(1, 5);
    await writeStore(backend, 3);
    // Closed without a marker: the store holds epoch 5 by now, its marker still names epoch 3.
    await expectEpoch(await recover(), 5, 'tail');
    await expectEpoch(await recover(), 5, 'tail');
    epochs(6, 6);
    await expectEpoch(await recover(), 6, 'tail');
  });

  it('rebuilds without a store, and when the one there does not open', async () => {
    const { epochs, recover, root } = await setUp();
    epochs(1, 4);
    await expectEpoch(await recover(), 4, 'rebuild');
    await rm(join(root, 's', '0', 'CURRENT'));
    await expectEpoch(await recover(), 4, 'rebuild');
  });

  it('a replay that was cut short before its marker starts again', async () => {
    const { epochs, recover, kafka, root, backend } = await setUp();
    epochs(1, 4);
    const recovered = await recover();
    const image = join(root, 'image');
    await cp(join(root, 's', '0'), image, { recursive: true });
    await recovered.store.close();
    await rm(join(root, 's', '0'), { recursive: true });
    await cp(image, join(root, 's', '0'), { recursive: true });
    const opened = await backend.open(TASK);
    expect(opened.facts).toMatchObject({ kind: 'broken' });
    kafka.calls.length = 0;
    await expectEpoch(await recover(), 4, 'rebuild');
  });

  it('leaves no folder locked when a replay fails', async () => {
    const { epochs, recover, kafka } = await setUp();
    epochs(1, 4);
    await (await recover()).store.close();
    kafka.script('fetch', () => {
      throw new Error('a bug');
    });
    await expect(recover()).rejects.toThrow('a bug');
    await expectEpoch(await recover(), 4, 'rebuild');
  });
});

describe('C2: a store older than half of delete.retention.ms is not continued', () => {
  it.each([
    [DELETE_RETENTION_MS / 2, 'tail'],
    [DELETE_RETENTION_MS / 2 + 1, 'rebuild'],
  ] as const)('%d ms old: %s', async (age, how) => {
    const { backend, epochs, recover, platform } = await setUp();
    epochs(1, 3);
    await writeStore(backend, 2);
    platform.freeze(age);
    await expectEpoch(await recover(), 3, how);
  });

  it('its age is that of its newest record by the clock of the broker, also after a replay', async () => {
    const { epochs, recover, resume, log, platform } = await setUp();
    const written = platform.clock.now();
    epochs(1, 1);
    stamp(log, written - 4500);
    epochs(2, 2);
    stamp(log, written - 4000);
    const recovered = await recover();
    await resume(recovered);
    expect(recovered.store.marker).toMatchObject({
      taskEpoch: 2,
      nextOffset: 2 * RECORDS_PER_EPOCH,
      brokerTime: written - 4000,
    });
    await recovered.store.close();
    // By the clock of the producer it would be 1500 ms old.
    platform.freeze(1500);
    await expectEpoch(await recover(), 2, 'rebuild');
  });

  it('a deleted key does not live again when its tombstone is gone', async () => {
    const { backend, log, recover, platform } = await setUp();
    await writeStore(backend, 1);
    // Compaction has removed the value of "flicker" and, long after, its tombstone.
    append(
      log,
      recordsOf(1).filter(([key]) => !key.includes('flicker')),
      platform.clock.now(),
    );
    append(
      log,
      recordsOf(2).filter(([key]) => !key.includes('flicker')),
      platform.clock.now(),
    );
    platform.freeze(DELETE_RETENTION_MS);
    const recovered = await recover();
    expect(recovered.store.get(stateKey('flicker'))).toBeUndefined();
    await recovered.store.close();
  });
});

describe('C3: a store that is not of this log is set aside and rebuilt', () => {
  it.each<[string, Partial<Marker>]>([
    ['another cluster', { clusterId: 'other' }],
    ['another changelog topic', { topicId: 'other' }],
    ['another incarnation', { incarnation: 2 }],
    ['ahead of the log', { nextOffset: 1000 }],
  ])('%s', async (_, over) => {
    const { backend, epochs, recover, root } = await setUp();
    epochs(1, 3);
    // As far as the log, so that only the identity tells them apart; with a key that the log does not have.
    await writeStore(backend, 3, over, 'foreign');
    const recovered = await recover();
    expect(recovered.store.get(stateKey('foreign'))).toBeUndefined();
    await expectEpoch(recovered, 3, 'rebuild');
    const aside = await levelBackend(root, () => undefined).open({
      stage: 's',
      partition: '0.aside' as never,
    });
    expect(aside.store!.get(stateKey('foreign'))?.toString()).toBe('x');
    await aside.store!.close();
  });

  it('also when the task never committed in this log', async () => {
    const { backend, recover } = await setUp();
    await writeStore(backend, 2, { clusterId: 'other' });
    const recovered = await recover();
    expect(recovered.replay.last).toBeNull();
    expect(recovered.store.get(stateKey('own-1'))).toBeUndefined();
    await recovered.store.close();
  });
});

describe('B4: nothing is read before the last stable offset has reached the high watermark', () => {
  it('waits for an open transaction of somebody else, then reads to the high watermark of ListOffsets', async () => {
    const { epochs, recover, log, platform, kafka } = await setUp();
    epochs(1, 3);
    log.lastStableOffset = 2 * RECORDS_PER_EPOCH;
    let done = false;
    const recovering = recover().finally(() => {
      done = true;
    });
    const looks = () =>
      kafka.callsOf('listOffsets').filter(([, isolation]) => isolation === 'read_committed').length;
    while (!done && looks() < 5) await platform.settle();
    expect(done).toBe(false);
    expect(kafka.callsOf('fetch')).toEqual([]);
    log.lastStableOffset = log.highWatermark;
    await expectEpoch(await recovering, 3, 'rebuild');
  });

  it('does not believe the high watermark of a Fetch', async () => {
    const { epochs, recover, kafka, log } = await setUp();
    epochs(1, 3);
    const { port } = kafka;
    // After a leader change a Fetch answer may carry a high watermark that is too low (KIP-207).
    const fetch = port.fetch.bind(port);
    kafka.script('fetch', async (...args) => {
      const answer = await fetch(...args);
      return {
        ...answer,
        partitions: answer.partitions.map((p) => ({ ...p, highWatermark: BigInt(RECORDS_PER_EPOCH) })),
      };
    });
    expect(log.highWatermark).toBe(3 * RECORDS_PER_EPOCH);
    await expectEpoch(await recover(), 3, 'rebuild');
  });

  it('gives up after the deadline and names the producer; the store is neither read nor touched', async () => {
    const { epochs, recover, log, backend } = await setUp();
    epochs(1, 2);
    await writeStore(backend, 2);
    log.append({ values: ['open'], producerId: 4711n }, { open: true });
    await expect(recover()).rejects.toMatchObject({
      code: 'TM5003',
      reaction: 'abort-epoch',
      message: expect.stringContaining('producer 4711'),
    });
  });
});

describe('A3: the log of commit records is checked as it is read', () => {
  it('a record of another epoch order is a loud stop', async () => {
    const { epochs, recover } = await setUp();
    epochs(1, 3);
    epochs(2, 2);
    await expect(recover()).rejects.toMatchObject({ code: 'TM4001', reaction: 'stop' });
  });

  it('a record of another task is a loud stop', async () => {
    const { log, recover, platform } = await setUp();
    append(
      log,
      [[COMMIT_RECORD_KEY, encodeCommitRecord({ ...commitRecord(1), task: 's/1' })]],
      platform.clock.now(),
    );
    await expect(recover()).rejects.toMatchObject({ code: 'TM4001' });
  });

  it('the newest one is known from the store when the tail has none', async () => {
    const { backend, epochs, recover } = await setUp();
    epochs(1, 3);
    await writeStore(backend, 3);
    const recovered = await recover();
    expect(recovered.replay.records).toBe(0);
    expect(decodeCommitRecord(recovered.store.get(COMMIT_RECORD_KEY)!)).toMatchObject({
      ok: true,
      record: { epoch: 3 },
    });
    await expectEpoch(recovered, 3, 'tail');
  });
});

describe('C4: where an input without a commit record begins', () => {
  const input = { topic: 'in', partition: 0, shuffle: false } as TaskInput;
  async function clicks() {
    const setup = await setUp();
    const [log] = setup.kafka.topic('in');
    log!.append({ values: ['a', 'b', 'c'] });
    log!.logStart = 1;
    return setup;
  }

  it.each([
    ['earliest', null, 1],
    ['latest', null, 3],
    ['latest', 2, 2],
    ['earliest', 2, 2],
  ] as const)('%s with group offset %s: %d', async (startFrom, groupOffset, want) => {
    const { client } = await clicks();
    expect(await resolveStart(input, startFrom, groupOffset, client)).toBe(want);
  });

  it('a shuffle begins at its very beginning, or the job stops', async () => {
    const { client } = await clicks();
    await expect(resolveStart({ ...input, shuffle: true }, 'latest', 2, client)).rejects.toMatchObject({
      code: 'TM4002',
    });
  });
});
