import { TidemarkError } from '../../errors';
import { KafkaRequestError, type JoinGroupRequest, type JoinGroupResponse } from '../port';
import { encodeAssignment, encodeSubscription } from './consumer-protocol';
import { GroupMember, type GroupMemberOptions } from './group-member';
import { connectionLost, FakeKafkaPort } from './testing/fake-port';
import { VirtualPlatform } from './testing/virtual-platform';

const SESSION_MS = 10_000;
const INTERVAL_MS = 2_000;

function setUp(options: Partial<GroupMemberOptions> = {}) {
  const platform = new VirtualPlatform();
  const kafka = new FakeKafkaPort(platform);
  const log: string[] = [];
  const note = (line: string) => void log.push(`${line} [${member.state()}]`);
  const member: GroupMember = new GroupMember({
    port: kafka.port,
    platform,
    groupId: 'g',
    groupInstanceId: null,
    sessionTimeoutMs: SESSION_MS,
    rebalanceTimeoutMs: 30_000,
    topics: ['clicks'],
    subscription: () => Buffer.from('mine'),
    assign: (members, generation) => {
      note(`assign ${generation} ${members.map((m) => `${m.memberId}=${m.userData.toString()}`).join(' ')}`);
      const partitions = [{ topic: 'clicks', partition: 0 }];
      return Promise.resolve(new Map([['m1', { partitions, userData: Buffer.from('work') }]]));
    },
    beforeJoin: (memberId) => Promise.resolve(note(`before '${memberId}'`)),
    onRevoke: () => Promise.resolve(note('revoke')),
    onAssigned: (a) => note(`assigned ${a.generationId} ${a.memberId} ${a.userData.toString()}`),
    onLost: (error) => note(`lost ${(error as TidemarkError).code ?? String(error)}`),
    ...options,
  });
  /** Heartbeats are well answered unless scripted. */
  const beats = (...codes: number[]) =>
    kafka.script('heartbeat', ...codes.map((errorCode) => () => ({ errorCode })));
  return { platform, kafka, member, log, beats };
}

function joined(generationId: number, extra: Partial<JoinGroupResponse> = {}): JoinGroupResponse {
  const memberId = extra.memberId ?? 'm1';
  return {
    errorCode: 0,
    generationId,
    protocolName: 'tidemark',
    leader: 'someone-else',
    memberId,
    skipAssignment: false,
    members: [],
    ...extra,
  };
}

const failed = (errorCode: number, memberId = '') => joined(-1, { errorCode, memberId });
const synced = (text: string, errorCode = 0) => ({
  errorCode,
  assignment: encodeAssignment({
    partitions: [{ topic: 'clicks', partition: 3 }],
    userData: Buffer.from(text),
  }),
});
const never = () => new Promise<never>(() => undefined);
const many = <T>(answer: T) => Array.from({ length: 100 }, () => () => answer);

async function makeStable(setup: ReturnType<typeof setUp>): Promise<void> {
  setup.kafka.script('joinGroup', () => joined(1));
  setup.kafka.script('syncGroup', () => synced('work'));
  setup.member.start();
  await setup.platform.settle();
  expect(setup.member.state()).toBe('stable');
  setup.log.length = 0;
}

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

describe('GroupMember: losing', () => {
  it.each([
    [25, ''],
    [22, 'm1'],
  ])('heartbeat error %i: drops everything, then joins as %p', async (errorCode, memberId) => {
    const setup = setUp();
    await makeStable(setup);
    setup.beats(errorCode);
    setup.kafka.script('joinGroup', never);
    await setup.platform.advance(INTERVAL_MS);
    expect(setup.log).toEqual(['lost TM5005 [unjoined]', `before '${memberId}' [joining]`]);
    expect(setup.member.generation()).toBeNull();
    await setup.member.close({ leave: false });
  });

  it('joins only after onLost is done', async () => {
    let dropped = () => {};
    const setup = setUp({ onLost: () => new Promise((resolve) => (dropped = resolve)) });
    await makeStable(setup);
    setup.beats(25);
    setup.kafka.script('joinGroup', never);
    await setup.platform.advance(5000);
    expect(setup.kafka.callsOf('joinGroup')).toHaveLength(1);
    dropped();
    await setup.platform.settle();
    expect(setup.kafka.callsOf('joinGroup')).toHaveLength(2);
    await setup.member.close({ leave: false });
  });

  it('FENCED_INSTANCE_ID is the end, and it does not throw the other one out', async () => {
    const setup = setUp({ groupInstanceId: 'i1' });
    await makeStable(setup);
    setup.beats(82);
    await setup.platform.advance(INTERVAL_MS);
    expect(setup.log).toEqual(['lost TM1012 [dead]']);
    expect(setup.kafka.callsOf('leaveGroup')).toEqual([]);
    expect(setup.platform.pendingTimers()).toBe(0);
  });

  it('a session without an answered heartbeat is lost, even when a request hangs', async () => {
    const setup = setUp();
    await makeStable(setup);
    setup.kafka.script('heartbeat', () => ({ errorCode: 0 }), never);
    setup.kafka.script('joinGroup', never);
    await setup.platform.advance(INTERVAL_MS + SESSION_MS - 1);
    expect(setup.log).toEqual([]);
    await setup.platform.advance(1);
    expect(setup.log).toEqual(['lost TM5005 [unjoined]', "before 'm1' [joining]"]);
    await setup.member.close({ leave: false });
  });

  it('survives heartbeats that are lost for less than the session', async () => {
    const setup = setUp();
    await makeStable(setup);
    const lost = Array.from({ length: 8 }, () => () => connectionLost('Heartbeat'));
    setup.kafka.script('heartbeat', ...lost, ...many({ errorCode: 0 }));
    await setup.platform.advance(30_000);
    expect(setup.log).toEqual([]);
    expect(setup.member.state()).toBe('stable');
    await setup.member.close({ leave: false });
  });

  it('a process that was stopped past its session knows it at once', async () => {
    const setup = setUp();
    await makeStable(setup);
    setup.kafka.script('joinGroup', never);
    setup.kafka.script('heartbeat', never);
    setup.platform.freeze(SESSION_MS + 5000);
    await setup.platform.advance(0);
    expect(setup.log[0]).toBe('lost TM5005 [unjoined]');
    await setup.member.close({ leave: false });
  });

  it('loss during consent: onLost comes at once, the next join waits for both', async () => {
    let consent = () => {};
    const setup = setUp({ onRevoke: () => new Promise((resolve) => (consent = resolve)) });
    await makeStable(setup);
    setup.beats(27, 25);
    setup.kafka.script('joinGroup', never);
    await setup.platform.advance(2 * INTERVAL_MS);
    expect(setup.log).toEqual(['lost TM5005 [unjoined]']);
    consent();
    await setup.platform.settle();
    expect(setup.log.at(-1)).toBe("before '' [joining]");
    await setup.member.close({ leave: false });
  });

  it('is lost as well when joins keep failing for longer than the session', async () => {
    const setup = setUp();
    await makeStable(setup);
    setup.beats(27);
    setup.kafka.script('joinGroup', ...many(failed(15)));
    await setup.platform.advance(INTERVAL_MS + SESSION_MS + 2000);
    expect(setup.log.filter((line) => line.startsWith('lost'))).toEqual(['lost TM5005 [unjoined]']);
    await setup.member.close({ leave: false });
  });

  it('a bug in the port is the end, not a retry', async () => {
    const setup = setUp();
    await makeStable(setup);
    setup.kafka.script('heartbeat', () => {
      throw new TypeError('bug');
    });
    setup.kafka.script('leaveGroup', () => ({ errorCode: 0 }));
    await setup.platform.advance(INTERVAL_MS);
    expect(setup.log).toEqual(['lost TypeError: bug [dead]']);
  });
});

describe('GroupMember: close', () => {
  it('says good-bye, as a static member too', async () => {
    const setup = setUp({ groupInstanceId: 'i1' });
    await makeStable(setup);
    setup.kafka.script(
      'leaveGroup',
      () => connectionLost('LeaveGroup'),
      () => ({ errorCode: 0 }),
    );
    await setup.platform.until(setup.member.close());
    expect(setup.kafka.callsOf('leaveGroup').at(-1)).toEqual([
      'g',
      [{ memberId: 'm1', groupInstanceId: 'i1' }],
    ]);
    expect(setup.member.state()).toBe('dead');
    await setup.platform.advance(60_000);
    expect(setup.log).toEqual([]);
    expect(setup.kafka.callsOf('heartbeat')).toEqual([]);
    expect(setup.platform.pendingTimers()).toBe(0);
  });

  it('leaves nothing when told so', async () => {
    const setup = setUp({ groupInstanceId: 'i1' });
    await makeStable(setup);
    await setup.member.close({ leave: false });
    expect(setup.kafka.callsOf('leaveGroup')).toEqual([]);
  });

  it('does not wait for a JoinGroup that hangs, and ignores its answer', async () => {
    const setup = setUp();
    let answer: (response: JoinGroupResponse) => void = () => undefined;
    setup.kafka.script('joinGroup', () => new Promise((resolve) => (answer = resolve)));
    setup.member.start();
    await setup.platform.settle();
    await setup.platform.until(setup.member.close(), 0);
    answer(joined(1));
    await setup.platform.advance(60_000);
    expect(setup.log).toEqual(["before '' [joining]"]);
    expect(setup.kafka.callsOf('syncGroup')).toEqual([]);
  });

  it('gives up saying good-bye when nobody listens', async () => {
    const setup = setUp();
    await makeStable(setup);
    setup.kafka.script(
      'leaveGroup',
      ...Array.from({ length: 9 }, () => () => {
        throw new KafkaRequestError('LeaveGroup', 'away', true);
      }),
    );
    await setup.platform.until(setup.member.close(), 5000);
    expect(setup.kafka.callsOf('leaveGroup')).toHaveLength(3);
  });
});
