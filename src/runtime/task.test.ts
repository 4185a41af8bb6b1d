import { decodeCommitRecord } from '../epoch/protocol/commit-record';
import { BatchBuilder } from '../kafka/codec/batch-builder';
import { RecordCursor } from '../kafka/codec/batch-reader';
import { HeapStore } from '../state/heap/heap-store';
import { TaskState } from '../state/task-state';
import type { PlannedStage } from './job-plan';
import { Task, type TaskInput } from './task';
import { TaskContext } from './task-context';

const BY = { generation: 3, transactionalId: 'app-i-0', producerId: '7', producerEpoch: 2 };
const START = 10;

/** A task with two inputs, both committed up to {@link START} by its last epoch, number 4. */
function setUp() {
  const store = new HeapStore();
  const changelog = new BatchBuilder({ maxBatchBytes: 10_000 });
  const inputs = ['in', 'more'].map(
    (topic) => ({ topic, partition: 0, position: START, committed: START }) as TaskInput,
  );
  const task = new Task({
    id: { stage: 's', partition: 0 },
    planned: { changelog: 'changelog' } as PlannedStage,
    incarnation: 1,
    inputs,
    context: new TaskContext(),
    state: new TaskState(store, [], 128, 16),
    changelog,
    identity: { clusterId: 'c', topicId: 't' },
  });
  task.epoch = 4;
  /** Values of the changelog records that were encoded since. */
  const written = (): Buffer[] => {
    const values: Buffer[] = [];
    for (const { buffer } of changelog.take()) {
      const cursor = new RecordCursor();
      cursor.load(buffer, { fetchOffset: 0, abortedTransactions: null, verifyCrc: false });
      while (cursor.next()) values.push(Buffer.from(buffer.subarray(cursor.valueStart, cursor.valueEnd)));
    }
    return values;
  };
  return { task, inputs, store, written };
}

describe('A3: a task that moved writes a commit record, also when it saw no record', () => {
  it('moved when a position did, behind markers or aborted records; that is not urgent', () => {
    for (const index of [0, 1]) {
      const { task, inputs } = setUp();
      expect([task.moved, task.urgent]).toEqual([false, false]);
      inputs[index]!.position++;
      expect([task.moved, task.urgent]).toEqual([true, false]);
    }
  });

  it('moved when it processed a record, or must commit where it begins: that is urgent', () => {
    const processed = setUp().task;
    processed.records = 1;
    expect([processed.moved, processed.urgent]).toEqual([true, true]);
    const begins = setUp().task;
    begins.mustPin = true;
    expect([begins.moved, begins.urgent]).toEqual([true, true]);
  });

  it('writes the positions of all inputs, and has not moved once they are committed', async () => {
    const { task, inputs, written } = setUp();
    inputs[1]!.position = 17;
    const sealed = task.seal(BY);
    const records = written();
    expect(records).toHaveLength(1);
    expect(decodeCommitRecord(records[0]!)).toMatchObject({
      ok: true,
      record: { ...BY, task: 's/0', epoch: 5, offsets: { in: START, more: 17 } },
    });
    expect(task.moved).toBe(true);
    await task.committed(sealed, { nextOffset: 21, appendTime: 5000, leaderEpoch: 6 });
    expect(task.moved).toBe(false);
    expect(inputs.map(({ committed }) => committed)).toEqual([START, 17]);
  });
});

describe('C2: the marker of an epoch', () => {
  it('carries where the commit record landed, and when by the clock of the broker', async () => {
    const { task, inputs, store } = setUp();
    inputs[0]!.position++;
    await task.committed(task.seal(BY), { nextOffset: 21, appendTime: 5000, leaderEpoch: 6 });
    expect(store.marker).toEqual({
      clusterId: 'c',
      topicId: 't',
      incarnation: 1,
      leaderEpoch: 6,
      taskEpoch: 5,
      nextOffset: 21,
      brokerTime: 5000,
    });
  });
});
