import {
  begin,
  closeAll,
  commitOffset,
  joinAlone,
  joinRequest,
  settled,
  simBench,
  TOPIC,
} from './testing/sim-bench';

afterEach(closeAll);

const [OK, ILLEGAL_GENERATION, UNKNOWN_MEMBER, REBALANCE, FENCED_INSTANCE] = [0, 22, 25, 27, 82];

async function twoMembers() {
  const bench = await simBench();
  const { kafka, port } = bench;
  const first = await joinAlone(port, 'g');
  const { memberId } = await port.joinGroup(joinRequest('g'));
  const second = port.joinGroup(joinRequest('g', { memberId }));
  second.catch(() => undefined); // some tests end while it waits
  await kafka.platform.advance(20);
  const txn = await begin(kafka, port, 'a');
  await settled(kafka, () => port.addOffsetsToTxn(txn, 'g'));
  const commit = (generationId: number) => commitOffset(kafka, port, txn, { ...first, generationId }, 1n);
  return { ...bench, first, second, txn, commit };
}

it('while members are awaited the broker takes the old generation, and the new one not yet', async () => {
  const { port, first, commit } = await twoMembers();
  expect((await port.heartbeat(first)).errorCode).toBe(REBALANCE);
  expect(await commit(1)).toBe(OK);
  expect(await commit(2)).toBe(ILLEGAL_GENERATION);
});

it('between JoinGroup’s answer and SyncGroup it takes the new generation and refuses the old one', async () => {
  const { port, first, second, commit } = await twoMembers();
  await port.joinGroup(joinRequest('g', { memberId: first.memberId }));
  await second;
  expect(await commit(1)).toBe(ILLEGAL_GENERATION);
  expect(await commit(2)).toBe(OK);
});

it('the generation counts when the offsets come, not when the transaction ends', async () => {
  const { kafka, port, first, second, txn, commit } = await twoMembers();
  expect(await commit(1)).toBe(OK);
  await port.joinGroup(joinRequest('g', { memberId: first.memberId }));
  await second;
  expect((await port.endTxn(txn, true)).errorCode).toBe(OK);
  await kafka.platform.advance(200);
  const { offsets } = await port.offsetFetch('g', [{ topic: TOPIC, partition: 0 }], true);
  expect(offsets[0]?.offset).toBe(1n);
});

it('generation -1 without a member id is taken from anybody', async () => {
  const { kafka, port, txn } = await twoMembers();
  const nobody = { groupId: 'g', memberId: '', generationId: -1, groupInstanceId: null };
  expect(await commitOffset(kafka, port, txn, nobody, 0n)).toBe(OK);
  expect(await commitOffset(kafka, port, txn, { ...nobody, memberId: 'who' }, 0n)).toBe(UNKNOWN_MEMBER);
});

describe('a static leader that restarts', () => {
  it('gets generation, leadership and assignment back, and nobody has to assign (KIP-814)', async () => {
    const { port } = await simBench();
    const joined = await port.joinGroup(joinRequest('g', { groupInstanceId: 'i' }));
    const before = { groupId: 'g', generationId: 1, groupInstanceId: 'i', memberId: joined.memberId };
    const assignments = [{ memberId: joined.memberId, assignment: Buffer.from('all') }];
    await port.syncGroup({ ...before, protocolName: 'p', assignments });
    const back = await port.joinGroup(joinRequest('g', { groupInstanceId: 'i' }));
    expect(back).toMatchObject({ errorCode: OK, generationId: 1, skipAssignment: true });
    expect([back.leader, back.members.length]).toEqual([back.memberId, 1]);
    const now = { ...before, memberId: back.memberId };
    const synced = await port.syncGroup({ ...now, protocolName: 'p', assignments: [] });
    expect(synced.assignment.toString()).toBe('all');
    expect((await port.heartbeat(before)).errorCode).toBe(FENCED_INSTANCE);
  });

  it('in the middle of a rebalance starts it anew', async () => {
    const { kafka, port } = await simBench();
    await port.joinGroup(joinRequest('g', { groupInstanceId: 'i' })); // and never syncs
    const back = await port.joinGroup(joinRequest('g', { groupInstanceId: 'i' }));
    expect(back).toMatchObject({ errorCode: OK, generationId: 2, skipAssignment: false });
    await kafka.platform.advance(1);
    expect((await port.describeGroup('g')).state).toBe('CompletingRebalance');
  });
});

describe('time', () => {
  it('removes a member whose session has run out', async () => {
    const { kafka, port } = await simBench();
    const member = await joinAlone(port, 'g');
    await kafka.platform.advance(9_000);
    expect((await port.heartbeat(member)).errorCode).toBe(OK);
    await kafka.platform.advance(10_100);
    expect((await port.heartbeat(member)).errorCode).toBe(UNKNOWN_MEMBER);
    expect((await port.describeGroup('g')).state).toBe('Empty');
  });

  it('removes who does not come back within the rebalance time-out', async () => {
    const { kafka, port, first, second } = await twoMembers();
    const keepsAlive = async (): Promise<void> => {
      for (let i = 0; i < 4; i++) {
        await kafka.platform.advance(3_000);
        await port.heartbeat(first);
      }
    };
    await keepsAlive();
    expect(await second).toMatchObject({ errorCode: OK, generationId: 2 });
    expect((await port.heartbeat(first)).errorCode).toBe(UNKNOWN_MEMBER);
  });
});

it('a group survives the loss of its coordinator, who waits there does not', async () => {
  const { kafka, port } = await simBench({ brokers: 3 });
  const member = await joinAlone(port, 'g');
  const { memberId } = await port.joinGroup(joinRequest('g'));
  const waiting = port.joinGroup(joinRequest('g', { memberId })).catch((error: unknown) => error);
  await kafka.platform.advance(20);
  kafka.stopBroker(kafka.coordinatorOf('group', 'g'));
  expect(await waiting).toMatchObject({ name: 'KafkaRequestError', definite: false });
  await kafka.platform.advance(200);
  const beat = await settled(kafka, () => port.heartbeat(member).catch(() => ({ errorCode: 16 })));
  expect(beat.errorCode).toBe(OK);
});
