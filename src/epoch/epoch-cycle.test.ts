import { TidemarkError } from '../errors';
import { VirtualPlatform } from '../kafka/client/testing/virtual-platform';
import type { GroupIdentity } from '../kafka/port';
import { OutputBuffers } from '../sink/output-buffers';
import { EpochCycle, type EpochTask } from './epoch-cycle';
import type { CommitRecord } from './protocol/commit-record';
import type { EpochCommitter } from './transaction/committer';
import type { CommitReceipt, EpochPayload } from './transaction/epoch-payload';

interface Sealed {
  readonly record: CommitRecord;
}
const GROUP: GroupIdentity = { groupId: 'app', generationId: 3, memberId: 'm', groupInstanceId: null };
const CALM = { drained: false, revoking: false, stopping: false };
const LIMITS = { intervalMs: 100, minIntervalMs: 5, maxDirtyBytes: 1000, maxOutputBytes: 1_000_000 };

/** A task without state; by default with one input. The position of a further input is that of the first and a hundred more. */
class FakeTask implements EpochTask<Sealed> {
  readonly name = 'counts/0';
  readonly changelogPartition = { topic: 'changelog', partition: 0 };
  readonly inputs: EpochTask<Sealed>['inputs'];
  readonly state = { dirtyBytes: 0 };
  readonly applied: number[] = [];
  position = 0;
  urgent = false;
  epoch = 0;
  apply: () => Promise<void> = () => Promise.resolve();
  private committedPosition = 0;

  constructor(...more: string[]) {
    this.inputs = ['in', ...more].map((topic) => ({ topic, partition: 0 }));
  }
  get moved(): boolean {
    return this.urgent || this.position !== this.committedPosition;
  }
  work(output: OutputBuffers, records = 1): void {
    for (let i = 0; i < records; i++) append(output, 'out');
    this.position += records;
    this.urgent = true;
  }
  seal(by: Parameters<EpochTask<Sealed>['seal']>[0]): Sealed {
    this.urgent = false;
    return {
      record: {
        ...by,
        task: this.name,
        epoch: this.epoch + 1,
        incarnation: 1,
        offsets: Object.fromEntries(this.inputs.map(({ topic }, i) => [topic, this.position + 100 * i])),
      },
    };
  }
  async committed(sealed: Sealed): Promise<void> {
    this.epoch = sealed.record.epoch;
    this.committedPosition = sealed.record.offsets['in']!;
    await this.apply();
    this.applied.push(this.epoch);
  }
}

function append(output: OutputBuffers, topic: string): void {
  const value = Buffer.from('x');
  output.builder(topic, 0).appendBytes(1, null, -1, -1, value, 0, value.length, null);
}

/** A committer whose commits end when the test says so. */
class ManualCommitter implements EpochCommitter {
  readonly inDoubt = false;
  readonly transactionalId = 'app-i-0';
  readonly current = { producerId: 7n, producerEpoch: 2 };
  readonly payloads: EpochPayload[] = [];
  private finish: { resolve: (receipt: CommitReceipt) => void; reject: (error: unknown) => void } | null =
    null;

  fence(): Promise<typeof this.current> {
    return Promise.resolve(this.current);
  }
  commit(payload: EpochPayload): Promise<CommitReceipt> {
    this.payloads.push(payload);
    return new Promise((resolve, reject) => (this.finish = { resolve, reject }));
  }
  clean(durationMs = 10): void {
    const landing = { nextOffset: 1, appendTime: 0, leaderEpoch: 0 };
    this.finish?.resolve({ durationMs, landings: new Map([['changelog-0', landing]]) });
  }
  fail(): void {
    this.finish?.reject(new TidemarkError('TM5004', 'abort-epoch', 'EndTxn: no answer'));
  }
}

function setUp() {
  const platform = new VirtualPlatform();
  const output = new OutputBuffers({ maxBatchBytes: () => 10_000, compression: 'none' });
  const committer = new ManualCommitter();
  const cycle = new EpochCycle<Sealed>({
    platform,
    limits: LIMITS,
    output,
    committer,
    isSink: (topic) => topic === 'out',
    fault: () => undefined,
    wake: () => undefined,
  });
  const task = new FakeTask();
  const records = () =>
    committer.payloads.map(({ partitions }) =>
      partitions.reduce((n, p) => n + p.batches.reduce((m, b) => m + b.recordCount, 0), 0),
    );
  return { platform, output, committer, cycle, task, records };
}

describe('A2: what an epoch commits with', () => {
  it('takes the group identity that it was ended with, and the position of every task that moved', async () => {
    const { output, committer, cycle, task } = setUp();
    task.work(output, 3);
    cycle.end([task], GROUP, 'interval');
    expect(committer.payloads[0]).toMatchObject({
      group: GROUP,
      offsets: [{ topic: 'in', partition: 0, offset: 3n }],
    });
    committer.clean();
    await cycle.settle();
  });

  it('takes the positions of all inputs of all tasks that moved, and of no other', async () => {
    const { output, committer, cycle } = setUp();
    const [one, two, idle] = [new FakeTask('more'), new FakeTask('else'), new FakeTask('idle')];
    one.work(output, 3);
    two.work(output, 4);
    cycle.end([one, two, idle], GROUP, 'interval');
    const offsets = committer.payloads[0]!.offsets.map(({ topic, offset }) => `${topic} ${offset}`);
    expect(offsets).toEqual(['in 3', 'more 103', 'in 4', 'else 104']);
    committer.clean();
    await cycle.settle();
  });

  it('commits one epoch at a time', async () => {
    const { output, committer, cycle, task } = setUp();
    task.work(output);
    cycle.end([task], GROUP, 'interval');
    task.work(output);
    expect(() => cycle.end([task], GROUP, 'interval')).toThrow('while another is being committed');
    committer.clean();
    await cycle.settle();
  });
});

describe('A5: an aborted epoch leaves nothing behind', () => {
  it('drops what was encoded for the failed epoch and for the one above it', async () => {
    const { output, committer, cycle, task, records } = setUp();
    task.work(output, 3);
    cycle.end([task], GROUP, 'interval');
    task.work(output, 5);
    committer.fail();
    await expect(cycle.settle()).rejects.toMatchObject({ code: 'TM5004' });
    await cycle.drop();
    expect(output.byteLength).toBe(0);
    expect(cycle.open).toBe(false);
    task.work(output, 2);
    cycle.end([task], GROUP, 'interval');
    expect(records()).toEqual([3, 2]);
    committer.clean();
    await cycle.settle();
    expect(cycle.statistics).toMatchObject({ epochs: 1, recordsOut: 2 });
  });

  it('seals nothing further until it is dropped', async () => {
    const { output, committer, cycle, task } = setUp();
    task.work(output);
    cycle.end([task], GROUP, 'interval');
    committer.fail();
    await expect(cycle.settle()).rejects.toMatchObject({ code: 'TM5004' });
    expect(() => cycle.check()).toThrow('EndTxn');
    expect(() => cycle.end([task], GROUP, 'interval')).toThrow('an epoch ends while');
    await cycle.drop();
    expect(() => cycle.check()).not.toThrow();
  });

  it('waits for a commit that is on its way before it drops: its answer may not arrive in the next epoch', async () => {
    const { output, committer, cycle, task, platform } = setUp();
    task.work(output);
    cycle.end([task], GROUP, 'interval');
    let dropped = false;
    const dropping = cycle.drop().then(() => (dropped = true));
    await platform.settle();
    expect(dropped).toBe(false);
    committer.fail();
    await dropping;
    expect(() => cycle.check()).not.toThrow();
  });
});

describe('A6: the local store gets an epoch after its clean answer, before the next one', () => {
  it('applies nothing before, and nothing of an epoch that failed', async () => {
    const { output, committer, cycle, task, platform } = setUp();
    task.work(output);
    cycle.end([task], GROUP, 'interval');
    await platform.settle();
    expect(task.applied).toEqual([]);
    committer.fail();
    await cycle.settle().catch(() => undefined);
    expect(task.applied).toEqual([]);
  });

  it('counts as committing until the local batch is written', async () => {
    const { output, committer, cycle, task, platform } = setUp();
    let written = (): void => undefined;
    task.apply = () => new Promise((resolve) => (written = resolve));
    task.work(output);
    cycle.end([task], GROUP, 'interval');
    committer.clean();
    await platform.settle();
    expect(cycle.committing).toBe(true);
    written();
    await cycle.settle();
    expect(cycle.committing).toBe(false);
    expect(task.applied).toEqual([1]);
  });

  it('a store that cannot be written fails the epoch: memory is not trusted any further', async () => {
    const { output, committer, cycle, task } = setUp();
    task.apply = () => Promise.reject(new TidemarkError('TM4005', 'abort-epoch', 'disk full'));
    task.work(output);
    cycle.end([task], GROUP, 'interval');
    committer.clean();
    await expect(cycle.settle()).rejects.toMatchObject({ code: 'TM4005' });
  });
});

describe('A7: the gap between drained commits', () => {
  const commitOnce = async (
    { output, committer, cycle, task }: ReturnType<typeof setUp>,
    durationMs: number,
  ) => {
    task.work(output);
    cycle.end([task], GROUP, 'drained');
    committer.clean(durationMs);
    await cycle.settle();
  };

  it.each([
    [10, 10],
    [40, 40],
  ])('after a commit of %d ms the next drained one waits %d ms', async (durationMs, gap) => {
    const setup = setUp();
    await commitOnce(setup, durationMs);
    setup.task.work(setup.output);
    const decide = () => setup.cycle.decide([setup.task], { ...CALM, drained: true });
    expect(decide()).toEqual({ kind: 'process', recheckAt: gap });
    setup.platform.freeze(gap - 1);
    expect(decide().kind).toBe('process');
    setup.platform.freeze(1);
    expect(decide()).toEqual({ kind: 'end', reason: 'drained' });
  });

  it('markers that were passed over alone commit once a second, not at once', async () => {
    const setup = setUp();
    await commitOnce(setup, 10);
    setup.platform.freeze(500);
    setup.task.position++;
    const decide = () => setup.cycle.decide([setup.task], { ...CALM, drained: true });
    expect(decide().kind).toBe('process');
    setup.platform.freeze(999);
    expect(decide().kind).toBe('process');
    setup.platform.freeze(1);
    expect(decide().kind).toBe('end');
  });

  it('tasks that went away with what they had passed over leave no time to look again behind', async () => {
    const setup = setUp();
    await commitOnce(setup, 10);
    setup.task.position++;
    setup.cycle.decide([setup.task], CALM);
    setup.platform.freeze(5000);
    // A time that lies in the past would wake the executor without end.
    expect(setup.cycle.decide([], CALM)).toEqual({ kind: 'process', recheckAt: Infinity });
  });
});
