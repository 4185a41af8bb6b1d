import { TidemarkError } from '../../errors';
import type { JoinGroupRequest } from '../port';
import { encodeSubscription } from './consumer-protocol';
import { connectionLost } from './testing/fake-port';
import {
  failed,
  INTERVAL_MS,
  joined,
  makeStable,
  never,
  SESSION_MS,
  setUp,
  synced,
} from './testing/member-harness';

describe('GroupMember: joining', () => {
  it('takes the member id it is given, joins with it, and leads', async () => {
    const { platform, kafka, member, log } = setUp();
    const metadata = encodeSubscription({ topics: ['clicks'], userData: Buffer.from('mine') });
    kafka.script(
      'joinGroup',
      () => failed(79, 'm1'),
      () => joined(1, { leader: 'm1', members: [{ memberId: 'm1', groupInstanceId: null, metadata }] }),
    );
    kafka.script('syncGroup', (request) => ({
      errorCode: 0,
      assignment: request.assignments[0]!.assignment,
    }));
    member.start();
    await platform.settle();
    expect(log).toEqual([
      "before '' [joining]",
      "before 'm1' [joining]",
      'assign 1 m1=mine [syncing]',
      'assigned 1 m1 work [stable]',
    ]);
    const requests = kafka.callsOf('joinGroup').map(([request]: [JoinGroupRequest]) => request);
    expect(requests.map(({ memberId }) => memberId)).toEqual(['', 'm1']);
    expect(requests[0]).toMatchObject({
      sessionTimeoutMs: SESSION_MS,
      protocols: [{ name: 'tidemark', metadata }],
    });
    expect(member.generation()).toMatchObject({ generationId: 1, memberId: 'm1', groupId: 'g' });
    await member.close({ leave: false });
  });

  it('a follower assigns nothing', async () => {
    const setup = setUp();
    await makeStable(setup);
    expect(setup.kafka.callsOf('syncGroup')[0]![0].assignments).toEqual([]);
    await setup.member.close({ leave: false });
  });

  it('a restarted static leader keeps the assignment of before (skipAssignment)', async () => {
    const { platform, kafka, member, log } = setUp({ groupInstanceId: 'i1' });
    kafka.script('joinGroup', () => joined(4, { memberId: 'm2', leader: 'm2', skipAssignment: true }));
    kafka.script('syncGroup', () => synced('kept'));
    member.start();
    await platform.settle();
    expect(log).toEqual(["before '' [joining]", 'assigned 4 m2 kept [stable]']);
    expect(kafka.callsOf('syncGroup')[0]![0]).toMatchObject({ groupInstanceId: 'i1', assignments: [] });
    await member.close({ leave: false });
  });

  it('retries moving coordinators and lost connections with pauses', async () => {
    const { platform, kafka, member, log } = setUp();
    kafka.script(
      'joinGroup',
      () => failed(16),
      () => failed(14),
      () => connectionLost('JoinGroup'),
      () => joined(1),
    );
    kafka.script('syncGroup', () => synced('work'));
    member.start();
    await platform.settle();
    expect(kafka.callsOf('joinGroup')).toHaveLength(1);
    await platform.advance(1000);
    expect(log.at(-1)).toBe('assigned 1 m1 work [stable]');
    await member.close({ leave: false });
  });

  it('does not join before it could register', async () => {
    let ready = false;
    const away = new TidemarkError('TM2001', 'retry', 'no broker');
    const setup = setUp({ beforeJoin: () => (ready ? Promise.resolve() : Promise.reject(away)) });
    setup.member.start();
    await setup.platform.advance(5000);
    expect(setup.kafka.calls).toEqual([]);
    ready = true;
    setup.kafka.script('joinGroup', never);
    await setup.platform.advance(2000);
    expect(setup.kafka.callsOf('joinGroup')).toHaveLength(1);
    await setup.member.close();
  });

  it('joins again at once when the next rebalance overtakes SyncGroup', async () => {
    const { platform, kafka, member, log } = setUp();
    kafka.script(
      'joinGroup',
      () => joined(1),
      () => joined(2),
    );
    kafka.script(
      'syncGroup',
      () => synced('', 27),
      () => synced('second'),
    );
    member.start();
    await platform.settle();
    expect(log.at(-1)).toBe('assigned 2 m1 second [stable]');
    await member.close({ leave: false });
  });

  it('a group of another job ends it with TM1006', async () => {
    const { platform, kafka, member, log } = setUp();
    kafka.script('joinGroup', () => failed(23));
    member.start();
    await platform.settle();
    expect(log.at(-1)).toBe('lost TM1006 [dead]');
  });

  it('a leader that cannot assign dies and leaves, so that another can lead', async () => {
    const { platform, kafka, member, log } = setUp({
      assign: () => Promise.reject(new TidemarkError('TM4006', 'stop', 'topic grew')),
    });
    kafka.script('joinGroup', () => joined(1, { leader: 'm1' }));
    kafka.script('leaveGroup', () => ({ errorCode: 0 }));
    member.start();
    await platform.settle();
    expect(log.at(-1)).toBe('lost TM4006 [dead]');
    expect(kafka.callsOf('leaveGroup')).toHaveLength(1);
    expect(platform.pendingTimers()).toBe(0);
  });

  it('heartbeats while the leader computes assignments', async () => {
    const { platform, kafka, member, beats } = setUp({ assign: never });
    kafka.script('joinGroup', () => joined(1, { leader: 'm1' }));
    beats(0, 0, 0);
    member.start();
    await platform.advance(3 * INTERVAL_MS);
    expect(kafka.callsOf('heartbeat')).toHaveLength(3);
    expect(kafka.callsOf('heartbeat')[0]![0]).toMatchObject({ generationId: 1, memberId: 'm1' });
    expect(member.generation()).toBeNull();
    await member.close({ leave: false });
  });
});

describe('GroupMember: rebalance', () => {
  it('joins again only after consent, and heartbeats meanwhile', async () => {
    let consent = () => {};
    const setup = setUp({ onRevoke: () => new Promise((resolve) => (consent = resolve)) });
    await makeStable(setup);
    const { platform, kafka, log, beats, member } = setup;
    beats(27, 27, 27, 27);
    await platform.advance(3 * INTERVAL_MS);
    expect(kafka.callsOf('joinGroup')).toHaveLength(1);
    expect(kafka.callsOf('heartbeat').length).toBe(3);
    expect(member.generation()).not.toBeNull();
    kafka.script('joinGroup', () => joined(2));
    kafka.script('syncGroup', () => synced('next'));
    consent();
    await platform.settle();
    expect(kafka.callsOf('joinGroup').at(-1)![0]).toMatchObject({ memberId: 'm1' });
    expect(log).toEqual(["before 'm1' [joining]", 'assigned 2 m1 next [stable]']);
    await member.close({ leave: false });
  });

  it('has no generation between the answers to JoinGroup and SyncGroup', async () => {
    const setup = setUp();
    await makeStable(setup);
    setup.kafka.script('joinGroup', () => joined(2));
    setup.kafka.script('syncGroup', never);
    setup.beats(27);
    await setup.platform.advance(INTERVAL_MS);
    expect(setup.member.state()).toBe('syncing');
    expect(setup.member.generation()).toBeNull();
    await setup.member.close({ leave: false });
  });

  it('rejoins on request, with the reason', async () => {
    const setup = setUp();
    await makeStable(setup);
    setup.kafka.script('joinGroup', () => joined(2));
    setup.kafka.script('syncGroup', () => synced('next'));
    setup.member.requestRejoin('a standby is warm');
    await setup.platform.settle();
    expect(setup.kafka.callsOf('joinGroup').at(-1)![0].reason).toBe('a standby is warm');
    expect(setup.log.at(-1)).toBe('assigned 2 m1 next [stable]');
    await setup.member.close({ leave: false });
  });
});
