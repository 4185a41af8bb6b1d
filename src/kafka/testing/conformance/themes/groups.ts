import type { Bench } from '../bench';
import { nameOf, OK } from '../errors';
import type { TestMember } from '../member';

const SHORT_SESSION_MS = 1_500;
const SHORT_REBALANCE_MS = 1_500;

/** The classic group protocol: join, sync, heartbeat, leave, and what time does to it. */
export function groups(bench: Bench): void {
  it('gives a member its id before it joins, and leads it through the states of a group', async () => {
    const member = bench.member(bench.name('group'));
    const asked = await member.joinOnce();
    expect(nameOf(asked)).toBe('MEMBER_ID_REQUIRED');
    expect(asked.memberId).not.toBe('');
    member.memberId = asked.memberId;
    const joined = await member.join();
    expect(joined).toMatchObject({ errorCode: 0, leader: asked.memberId, memberId: asked.memberId });
    expect(joined).toMatchObject({ protocolName: 'range', skipAssignment: false });
    expect(joined.members.map(({ memberId }) => memberId)).toEqual([asked.memberId]);
    expect((await bench.port.describeGroup(member.groupId)).state).toBe('CompletingRebalance');
    expect(await member.sync({ [member.memberId]: 'mine' })).toEqual({ error: OK, assignment: 'mine' });
    expect(await member.heartbeat()).toBe(OK);
    const described = await bench.port.describeGroup(member.groupId);
    expect(described).toMatchObject({ groupId: member.groupId, errorCode: 0, state: 'Stable' });
    expect(described.members).toHaveLength(1);
    expect(described.members[0]).toMatchObject({ memberId: member.memberId, groupInstanceId: null });
    expect(described.members[0]?.assignment.toString()).toBe('mine');
    expect(nameOf(await bench.port.deleteGroup(member.groupId))).toBe('NON_EMPTY_GROUP');
    expect(await member.leave()).toBe(OK);
    expect((await bench.port.describeGroup(member.groupId)).state).toBe('Empty');
    expect(nameOf(await bench.port.deleteGroup(member.groupId))).toBe(OK);
    expect(nameOf(await bench.port.deleteGroup(member.groupId))).toBe('GROUP_ID_NOT_FOUND');
    expect(await member.leave()).toBe('UNKNOWN_MEMBER_ID');
  });

  it('refuses who is not a member, and who is of another generation', async () => {
    const member = await bench.member(bench.name('group')).joinAlone();
    const stranger = Object.assign(member.copy(), { memberId: 'nobody' });
    expect(await stranger.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
    expect((await stranger.sync()).error).toBe('UNKNOWN_MEMBER_ID');
    expect(nameOf(await stranger.joinOnce())).toBe('UNKNOWN_MEMBER_ID');
    expect(await stranger.leave()).toBe('UNKNOWN_MEMBER_ID');
    const late = Object.assign(member.copy(), { generationId: member.generationId - 1 });
    expect(await late.heartbeat()).toBe('ILLEGAL_GENERATION');
    expect((await late.sync()).error).toBe('ILLEGAL_GENERATION');
    expect(await member.heartbeat()).toBe(OK);
  });

  it('refuses a protocol that the others do not have, and a session that is too short', async () => {
    const member = await bench.member(bench.name('group')).joinAlone();
    const other = bench.member(member.groupId, null, bench.late);
    expect(nameOf(await other.join({ protocol: 'other' }))).toBe('INCONSISTENT_GROUP_PROTOCOL');
    expect(nameOf(await other.join({ sessionTimeoutMs: 1 }))).toBe('INVALID_SESSION_TIMEOUT');
  });

  it('rebalances two members: everybody joins, the leader assigns, who is assigned nothing gets nothing', async () => {
    const [leader, follower] = await pairOf(bench);
    expect(leader.joined?.leader).toBe(leader.memberId);
    expect(leader.joined?.members.map(({ memberId }) => memberId).sort()).toEqual(
      [leader.memberId, follower.memberId].sort(),
    );
    expect(follower.joined).toMatchObject({ leader: leader.memberId, members: [] });
    expect(follower.generationId).toBe(leader.generationId);
    // The follower's SyncGroup waits for the leader's.
    let synced = false;
    const waiting = follower.sync().finally(() => (synced = true));
    await bench.sleep(50);
    expect(synced).toBe(false);
    expect(await leader.sync({ [leader.memberId]: 'all' })).toEqual({ error: OK, assignment: 'all' });
    expect(await waiting).toEqual({ error: OK, assignment: '' });
    // Who asks again gets it again.
    expect(await leader.sync()).toEqual({ error: OK, assignment: 'all' });
  });

  it('shows the leader what each member said of itself', async () => {
    const member = await bench.member(bench.name('group')).joinAlone();
    const other = bench.member(member.groupId, null, bench.late);
    const metadata = Buffer.from([0, 1, 0, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]);
    const joining = other.join({ metadata });
    await member.untilRebalance();
    const { members } = await member.join();
    await joining;
    expect(members.find(({ memberId }) => memberId === other.memberId)?.metadata).toEqual(metadata);
  });

  it('answers SyncGroup with REBALANCE_IN_PROGRESS when the next rebalance has begun', async () => {
    const [leader, follower] = await pairOf(bench);
    const third = bench.member(leader.groupId, null, bench.connect());
    const joining = third.join();
    await bench.eventually('the next rebalance', async () =>
      (await leader.heartbeat()) === 'REBALANCE_IN_PROGRESS' ? true : undefined,
    );
    expect((await follower.sync()).error).toBe('REBALANCE_IN_PROGRESS');
    const again = follower.join();
    expect((await leader.join()).members).toHaveLength(3);
    await Promise.all([again, joining]);
  });

  it('tells the others when one leaves', async () => {
    const [leader, follower] = await pairOf(bench);
    const waiting = follower.sync();
    await leader.sync({});
    await waiting;
    expect(await follower.leave()).toBe(OK);
    await leader.untilRebalance();
    const rejoined = await leader.join();
    expect(rejoined.members).toHaveLength(1);
    expect(rejoined.generationId).toBe(follower.generationId + 1);
  });

  it('drops a member whose session runs out, and rebalances the others', async () => {
    const [leader, follower] = await pairOf(bench, { sessionTimeoutMs: SHORT_SESSION_MS });
    const waiting = follower.sync();
    await leader.sync({});
    await waiting;
    const died = bench.platform.clock.monotonic();
    await leader.untilRebalance();
    expect(bench.platform.clock.monotonic() - died).toBeGreaterThan(SHORT_SESSION_MS / 2);
    expect((await leader.join({ sessionTimeoutMs: SHORT_SESSION_MS })).members).toHaveLength(1);
    expect(await follower.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
    expect(await follower.commit((await bench.topic()).at(), 1)).toBe('UNKNOWN_MEMBER_ID');
  });

  it('goes on without a member that does not rejoin within the rebalance time-out', async () => {
    const times = { rebalanceTimeoutMs: SHORT_REBALANCE_MS };
    const silent = bench.member(bench.name('group'));
    await silent.joinAlone(times);
    const other = bench.member(silent.groupId, null, bench.late);
    const joined = await other.join(times);
    expect(joined).toMatchObject({ errorCode: 0, leader: other.memberId });
    expect(joined.members).toHaveLength(1);
    expect(await silent.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
  });

  it('knows nothing of a group that is not there', async () => {
    const groupId = bench.name('group');
    const { state, members } = await bench.settled(() => bench.port.describeGroup(groupId));
    expect([state, members]).toEqual(['Dead', []]);
    expect(nameOf(await bench.port.deleteGroup(groupId))).toBe('GROUP_ID_NOT_FOUND');
  });
}

/** Two members that have joined and not synced; the first leads. */
async function pairOf(
  bench: Bench,
  options: { readonly sessionTimeoutMs?: number } = {},
): Promise<readonly [TestMember, TestMember]> {
  const leader = await bench.member(bench.name('group')).joinAlone(options);
  const follower = bench.member(leader.groupId, null, bench.late);
  const joining = follower.join(options);
  await leader.untilRebalance();
  expect((await leader.join(options)).errorCode).toBe(0);
  expect((await joining).errorCode).toBe(0);
  return [leader, follower];
}
