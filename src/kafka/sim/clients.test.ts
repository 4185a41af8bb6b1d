import type { MemberAssignment } from '../client/group-member';
import { GroupMember } from '../client/group-member';
import { Fetcher } from '../client/fetcher';
import { MetadataCache } from '../client/metadata-cache';
import { RecordCursor } from '../codec/batch-reader';
import { add, begin, closeAll, settled, simBench, TOPIC, write } from './testing/sim-bench';

afterEach(closeAll);

it('the fetcher reads what is committed, over leader moves, a dead broker and lost answers', async () => {
  const { kafka, port, platform } = await simBench({ seed: 4, brokers: 3, partitions: 2 });
  const reader = kafka.connect({ clientId: 'reader' });
  const metadata = new MetadataCache(reader, platform);
  const fetcher = new Fetcher({
    ...{ port: reader, metadata, platform, isolation: 'read_committed', onReady: () => undefined },
  });
  for (const partition of [0, 1]) fetcher.add(TOPIC, partition, 0);
  kafka.setFaults(({ clientId, api }) => {
    if (clientId !== 'reader' || api !== 'fetch' || !platform.random.chance(0.1)) return null;
    return { kind: 'answer-lost' };
  });
  const expected: string[] = [];
  const got: string[] = [];
  const cursor = new RecordCursor();
  const read = (): void => {
    for (let chunk = fetcher.poll(); chunk !== null; chunk = fetcher.poll()) {
      cursor.load(chunk.records, chunk);
      while (cursor.next()) got.push(cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd));
    }
  };
  for (let i = 0; i < 30; i++) {
    const txn = await begin(kafka, port, 'a');
    await add(kafka, port, txn, i % 2);
    const { errorCode } = await write(kafka, port, [['k', String(i)]], {
      txn,
      sequence: 0,
      partition: i % 2,
    });
    const commits = errorCode === 0 && i % 3 !== 0;
    expect((await settled(kafka, () => port.endTxn(txn, commits))).errorCode).toBe(0);
    if (commits) expected.push(String(i));
    if (i % 7 === 0) kafka.moveLeader(TOPIC, i % 2);
    read();
  }
  for (let i = 0; i < 50; i++) {
    await platform.advance(200);
    read();
  }
  fetcher.close();
  metadata.close();
  expect(got.sort()).toEqual(expected.sort());
});

it('group members divide, lose one of them and go on, over a coordinator that moves', async () => {
  const { kafka, platform } = await simBench({ brokers: 3 });
  const assigned = new Map<string, MemberAssignment>();
  const join = (name: string) => {
    const process = kafka.process(name);
    const member = new GroupMember({
      ...{ port: kafka.connect({ clientId: name, process }), platform: process, groupId: 'g' },
      ...{ groupInstanceId: name, sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 6_000, topics: [TOPIC] },
      subscription: () => Buffer.from(name),
      assign: (members) => {
        const work = Buffer.from(
          members
            .map((m) => m.userData.toString())
            .sort()
            .join(),
        );
        return Promise.resolve(new Map(members.map((m) => [m.memberId, { partitions: [], userData: work }])));
      },
      onRevoke: () => Promise.resolve(),
      onAssigned: (assignment) => void assigned.set(name, assignment),
      onLost: () => void assigned.delete(name),
    });
    member.start();
    return { process, member };
  };
  const workOf = (name: string) => assigned.get(name)?.userData.toString();
  join('a');
  const b = join('b');
  join('c');
  await platform.advance(8_000);
  expect(['a', 'b', 'c'].map(workOf)).toEqual(['a,b,c', 'a,b,c', 'a,b,c']);
  kafka.stopBroker(kafka.coordinatorOf('group', 'g'));
  await platform.advance(3_000);
  b.process.kill();
  await platform.advance(20_000);
  expect(['a', 'c'].map(workOf)).toEqual(['a,c', 'a,c']);
  join('b');
  await platform.advance(8_000);
  expect(['a', 'b', 'c'].map(workOf)).toEqual(['a,b,c', 'a,b,c', 'a,b,c']);
});
