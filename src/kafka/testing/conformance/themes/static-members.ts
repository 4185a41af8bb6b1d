import type { Bench } from '../bench';
import { nameOf, OK } from '../errors';
import { EMPTY_SUBSCRIPTION, type TestMember } from '../member';

const SHORT_SESSION_MS = 1_500;

/** Members with a name of their own (KIP-345), and the leader that comes back (KIP-814). */
export function staticMembers(bench: Bench): void {
  it('need no id before they join', async () => {
    const member = bench.member(bench.name('group'), 'one');
    const answer = await member.joinOnce();
    expect(nameOf(answer)).toBe(OK);
    expect(answer.members).toEqual([
      { memberId: answer.memberId, groupInstanceId: 'one', metadata: EMPTY_SUBSCRIPTION },
    ]);
  });

  it('that lead and restart get the old generation and assignment, and nobody has to assign', async () => {
    const before = await bench.member(bench.name('group'), 'one').joinAlone();
    const after = bench.member(before.groupId, 'one', bench.late);
    const joined = await after.join();
    expect(joined).toMatchObject({
      ...{ errorCode: 0, generationId: before.generationId, skipAssignment: true, leader: after.memberId },
    });
    expect(after.memberId).not.toBe(before.memberId);
    expect(await after.sync()).toEqual({ error: OK, assignment: 'all' });
    expect(await after.heartbeat()).toBe(OK);
  });

  it('are fenced by who joined with their name after them', async () => {
    const at = (await bench.topic()).at();
    const old = await bench.member(bench.name('group'), 'one').joinAlone();
    const young = bench.member(old.groupId, 'one', bench.late);
    await young.join();
    expect(await old.heartbeat()).toBe('FENCED_INSTANCE_ID');
    expect((await old.sync()).error).toBe('FENCED_INSTANCE_ID');
    expect(nameOf(await old.joinOnce())).toBe('FENCED_INSTANCE_ID');
    expect(await old.commit(at, 1)).toBe('FENCED_INSTANCE_ID');
    const producer = await bench.producer();
    await producer.addGroup(old.groupId);
    expect(await producer.commitOffset(old.identity, at, 1)).toBe('FENCED_INSTANCE_ID');
    expect(await old.leave()).toBe('FENCED_INSTANCE_ID');
    await young.sync();
    expect(await producer.commitOffset(young.identity, at, 2)).toBe(OK);
    expect(await producer.end(true)).toBe(OK);
  });

  it('that follow and restart disturb nobody', async () => {
    const { leader, follower } = await pairOf(bench);
    const restarted = bench.member(leader.groupId, 'two', bench.connect());
    const joined = await restarted.join();
    expect(joined).toMatchObject({
      errorCode: 0,
      generationId: leader.generationId,
      leader: leader.memberId,
    });
    expect(joined.memberId).not.toBe(follower.memberId);
    expect(await restarted.sync()).toEqual({ error: OK, assignment: 'second' });
    expect(await leader.heartbeat()).toBe(OK);
    expect(await follower.heartbeat()).toBe('FENCED_INSTANCE_ID');
  });

  it('that restart and say something else of themselves disturb nobody: the leader hears it at the next rebalance', async () => {
    const { leader } = await pairOf(bench);
    const restarted = bench.member(leader.groupId, 'two', bench.connect());
    const metadata = Buffer.concat([EMPTY_SUBSCRIPTION.subarray(0, 9), Buffer.from([1, 7])]);
    expect(await restarted.join({ metadata })).toMatchObject({ generationId: leader.generationId });
    expect(await restarted.sync()).toEqual({ error: OK, assignment: 'second' });
    expect(await leader.heartbeat()).toBe(OK);
    const third = bench.member(leader.groupId, 'three', bench.late);
    const joining = [third.join()];
    await leader.untilRebalance();
    joining.push(restarted.join({ metadata }));
    const { members } = await leader.join();
    await Promise.all(joining);
    expect(members.find(({ groupInstanceId }) => groupInstanceId === 'two')?.metadata).toEqual(metadata);
  });

  it('keep their place while their session lasts, and lose it with the session', async () => {
    const { leader, follower } = await pairOf(bench, { sessionTimeoutMs: SHORT_SESSION_MS });
    await bench.sleep(SHORT_SESSION_MS / 2);
    expect(await leader.heartbeat()).toBe(OK);
    await leader.untilRebalance();
    expect((await leader.join({ sessionTimeoutMs: SHORT_SESSION_MS })).members).toHaveLength(1);
    expect(await follower.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
  });

  it('can be removed by their name', async () => {
    const { leader, follower } = await pairOf(bench);
    const byName = [{ memberId: '', groupInstanceId: 'two' }];
    expect(nameOf(await bench.port.leaveGroup(leader.groupId, byName))).toBe(OK);
    await leader.untilRebalance();
    expect(await follower.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
    expect(nameOf(await bench.port.leaveGroup(leader.groupId, byName))).toBe('UNKNOWN_MEMBER_ID');
  });
}

/** Two synced members, `one` leads; `two` is assigned `second`. */
async function pairOf(
  bench: Bench,
  options: { readonly sessionTimeoutMs?: number } = {},
): Promise<{ readonly leader: TestMember; readonly follower: TestMember }> {
  const leader = await bench.member(bench.name('group'), 'one').joinAlone(options);
  const follower = bench.member(leader.groupId, 'two', bench.late);
  const joining = follower.join(options);
  await leader.untilRebalance();
  await leader.join(options);
  await joining;
  const synced = follower.sync();
  await leader.sync({ [leader.memberId]: 'first', [follower.memberId]: 'second' });
  expect((await synced).assignment).toBe('second');
  return { leader, follower };
}
