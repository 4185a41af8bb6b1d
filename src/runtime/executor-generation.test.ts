import { decodeCommitRecord } from '../epoch/protocol/commit-record';
import { encodeAssignment } from '../kafka/client/consumer-protocol';
import { GroupMember } from '../kafka/client/group-member';
import { joined } from '../kafka/client/testing/member-harness';
import { RecordCursor } from '../kafka/codec/batch-reader';
import type { KafkaPort } from '../kafka/port';
import { Executor } from './executor';
import { encodeAssignment as encodeTasks } from './member-data';
import { setUpRuntime, SOURCE } from './testing/runtime-context';

const GENERATION = 4;
const NEWEST = { groupId: 'app', generationId: 9, memberId: 'later', groupInstanceId: 'i-0' };
const clean = { errorCode: 0 };

/** An executor that the group gives the first task of the source, on a broker that answers everything cleanly. */
function setUp() {
  const runtime = setUpRuntime();
  const { kafka, context } = runtime;
  const always = <K extends keyof KafkaPort>(
    api: K,
    handler: (...args: Parameters<KafkaPort[K]>) => unknown,
  ) => kafka.script(api, ...Array.from({ length: 100 }, () => handler));
  const userData = encodeTasks({ incarnation: 1, tasks: [{ stage: SOURCE, partition: 0 }] });
  always('initProducerId', () => ({ ...clean, producerId: 7n, producerEpoch: 0 }));
  always('joinGroup', () => joined(GENERATION, { memberId: 'm' }));
  always('syncGroup', () => ({ ...clean, assignment: encodeAssignment({ partitions: [], userData }) }));
  always('heartbeat', () => clean);
  always('leaveGroup', () => clean);
  always('offsetFetch', () => ({ ...clean, offsets: [] }));
  always('addPartitionsToTxn', (_, partitions) => partitions.map((p) => ({ ...p, ...clean })));
  always('addOffsetsToTxn', () => clean);
  always('txnOffsetCommit', (_, __, offsets) => offsets.map((o) => ({ ...o, ...clean })));
  always('endTxn', () => clean);
  always('produce', (_, { partitions }) => ({
    throttleMs: 0,
    partitions: partitions.map((p) => ({
      ...p,
      ...clean,
      baseOffset: 0n,
      logAppendTime: 1n,
      logStartOffset: 0n,
    })),
  }));
  return { ...runtime, executor: new Executor(context, { untilEnd: false }) };
}

/** The generations in the commit records of what was produced. */
function recordedGenerations(calls: readonly Parameters<KafkaPort['produce']>[]): (number | null)[] {
  return calls.flatMap(([, { partitions }]) =>
    partitions.map(({ batch }) => {
      const cursor = new RecordCursor();
      cursor.load(batch, { fetchOffset: 0, abortedTransactions: null });
      cursor.next();
      const decoded = decodeCommitRecord(batch.subarray(cursor.valueStart, cursor.valueEnd));
      return decoded.ok ? decoded.record.generation : null;
    }),
  );
}

afterEach(() => jest.restoreAllMocks());

describe('A2: an executor commits under the identity that came with its tasks', () => {
  it('and does not ask the member for a newer one, neither for the offsets nor for the commit record', async () => {
    const { executor, kafka, platform } = setUp();
    jest.spyOn(GroupMember.prototype, 'generation').mockReturnValue(NEWEST);
    const running = executor.run();
    while (kafka.callsOf('endTxn').length === 0 && executor.phase !== 'failed') await platform.advance(100);
    executor.stop();
    await platform.until(running);
    expect(kafka.callsOf('txnOffsetCommit').map(([, group]) => group)).toEqual([
      { groupId: 'app', generationId: GENERATION, memberId: 'm', groupInstanceId: 'i-0' },
    ]);
    expect(recordedGenerations(kafka.callsOf('produce'))).toEqual([GENERATION]);
  });
});
