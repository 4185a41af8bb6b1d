import { KafkaRequestError } from '../kafka/port';
import { Housekeeping } from './housekeeping';
import type { Task, TaskInput } from './task';
import { setUpRuntime, SHUFFLE, SOURCE } from './testing/runtime-context';

const EVERY_MS = 30_000;
const POLICY_VIOLATION = 44;

interface Offsets {
  readonly position: number;
  readonly committed: number;
}

/** Tasks behind a shuffle, one a partition, and one at the source; by default the brokers delete what they are asked to. */
function setUp(...shuffles: Offsets[]) {
  const partitions = shuffles.length;
  const runtime = setUpRuntime({ partitions });
  const { kafka, context, platform } = runtime;
  const inputs = shuffles.map(
    (offsets, partition) => ({ topic: SHUFFLE, partition, shuffle: true, ...offsets }) as TaskInput,
  );
  const source = { topic: SOURCE, partition: 0, shuffle: false, position: 90, committed: 80 } as TaskInput;
  const tasks = [...inputs, source].map((input) => ({ inputs: [input] }) as unknown as Task);
  const housekeeping = new Housekeeping(context);
  const answer = (...codes: number[]): void =>
    kafka.script('deleteRecords', (offsets) =>
      offsets.map(({ topic, partition }, index) => ({ topic, partition, errorCode: codes[index] ?? 0 })),
    );
  /** Lets a round become due and run. */
  const round = async (): Promise<void> => {
    platform.freeze(EVERY_MS);
    housekeeping.tick(tasks);
    await platform.until(housekeeping.close());
  };
  /** `partition@offset` of every deletion so far, request by request, with its broker. */
  const deleted = (): string[] =>
    kafka
      .callsOf('deleteRecords')
      .map(([offsets, nodeId]) => `${nodeId}: ${offsets.map((o) => `${o.partition}@${o.offset}`).join()}`);
  return { ...runtime, inputs, tasks, housekeeping, answer, round, deleted };
}

describe('D8: shuffle records are deleted below what is committed', () => {
  it('never below what was only processed, and never of a source', async () => {
    const { answer, round, deleted, kafka } = setUp(
      { position: 50, committed: 30 },
      { position: 7, committed: 7 },
    );
    answer();
    await round();
    expect(deleted()).toEqual(['1: 0@30,1@7']);
    expect(kafka.callsOf('deleteRecords')[0]![0].map(({ topic }) => topic)).toEqual([SHUFFLE, SHUFFLE]);
  });

  it('nothing where nothing is committed yet, or nothing since the last time', async () => {
    const { answer, round, deleted, inputs } = setUp(
      { position: 5, committed: -1 },
      { position: 9, committed: 9 },
    );
    answer();
    answer();
    await round();
    await round();
    expect(deleted()).toEqual(['1: 1@9']);
    inputs[1]!.committed = 12;
    await round();
    expect(deleted()).toEqual(['1: 1@9', '1: 1@12']);
  });

  it('each leader is asked for its own partitions', async () => {
    const { answer, round, deleted, log } = setUp(
      { position: 5, committed: 5 },
      { position: 6, committed: 6 },
    );
    log(SHUFFLE, 1).leader = 2;
    answer();
    answer();
    await round();
    expect(deleted()).toEqual(['1: 0@5', '2: 1@6']);
  });

  it('not again before half a minute is over', async () => {
    const { answer, round, deleted, inputs, housekeeping, tasks, platform } = setUp({
      position: 5,
      committed: 5,
    });
    answer();
    answer();
    await round();
    inputs[0]!.committed = 9;
    platform.freeze(EVERY_MS - 1);
    housekeeping.tick(tasks);
    await platform.settle();
    expect(deleted()).toEqual(['1: 0@5']);
    platform.freeze(1);
    housekeeping.tick(tasks);
    await platform.settle();
    expect(deleted()).toEqual(['1: 0@5', '1: 0@9']);
  });

  it('not before half a minute at first, and one round at a time', async () => {
    const { housekeeping, tasks, platform, kafka, deleted } = setUp({ position: 5, committed: 5 });
    housekeeping.tick(tasks);
    platform.freeze(EVERY_MS - 1);
    housekeeping.tick(tasks);
    await platform.settle();
    expect(kafka.calls).toEqual([]);
    platform.freeze(1);
    let answered = (): void => undefined;
    kafka.script('deleteRecords', () => new Promise((resolve) => (answered = () => resolve([]))));
    housekeeping.tick(tasks);
    await platform.settle();
    for (let i = 0; i < 3; i++) {
      platform.freeze(EVERY_MS);
      housekeeping.tick(tasks);
      await platform.settle();
    }
    expect(deleted()).toHaveLength(1);
    answered();
    await housekeeping.close();
  });
});

describe('D8: a deletion that fails harms nothing', () => {
  it('a refused partition is asked for again the next time, the others are not', async () => {
    const { answer, round, deleted, housekeeping, tasks } = setUp(
      { position: 5, committed: 5 },
      { position: 6, committed: 6 },
    );
    answer(POLICY_VIOLATION, 0);
    answer();
    await round();
    await round();
    expect(deleted()).toEqual(['1: 0@5,1@6', '1: 0@5']);
    expect(() => housekeeping.tick(tasks)).not.toThrow();
  });

  it('a lost answer is left to the next time', async () => {
    const { kafka, answer, round, deleted, housekeeping, tasks } = setUp({ position: 5, committed: 5 });
    kafka.script('deleteRecords', () => {
      throw new KafkaRequestError('DeleteRecords', 'connection lost', false);
    });
    answer();
    await round();
    expect(() => housekeeping.tick(tasks)).not.toThrow();
    await round();
    expect(deleted()).toEqual(['1: 0@5', '1: 0@5']);
  });

  it('a broker that is away while the sources are looked at is left to the next time', async () => {
    const { kafka, round, housekeeping, tasks, answer, deleted } = setUp({ position: 5, committed: 5 });
    const lost = () => {
      throw new KafkaRequestError('Metadata', 'connection lost', false);
    };
    kafka.script('metadata', ...Array.from({ length: 1000 }, () => lost));
    await round();
    expect(() => housekeeping.tick(tasks)).not.toThrow();
    expect(deleted()).toEqual([]);
    kafka.script('metadata');
    answer();
    await round();
  });

  it('what nobody meant to raise is not hidden', async () => {
    const { kafka, round, housekeeping, tasks } = setUp({ position: 5, committed: 5 });
    kafka.script('deleteRecords', () => {
      throw new TypeError('a bug');
    });
    await round();
    expect(() => housekeeping.tick(tasks)).toThrow('a bug');
  });
});

describe('a source that has grown partitions while the job runs', () => {
  it('stops the job at the next turn: TM4006, before anything is deleted', async () => {
    const { kafka, round, housekeeping, tasks, deleted } = setUp({ position: 5, committed: 5 });
    kafka.topic(SOURCE, 3);
    await round();
    const seen = expect.objectContaining({
      code: 'TM4006',
      reaction: 'stop',
      message: 'source clicks had 1 partitions and now has 3',
    });
    for (let turn = 0; turn < 2; turn++) expect(() => housekeeping.tick(tasks)).toThrow(seen);
    expect(deleted()).toEqual([]);
  });

  it('also when the metadata of before is still in the cache', async () => {
    const { kafka, context, round, housekeeping, tasks, platform } = setUp({ position: 5, committed: -1 });
    expect(await platform.until(context.metadata.partitionCount(SOURCE))).toBe(1);
    kafka.topic(SOURCE, 2);
    await round();
    expect(() => housekeeping.tick(tasks)).toThrow(expect.objectContaining({ code: 'TM4006' }));
  });
});
