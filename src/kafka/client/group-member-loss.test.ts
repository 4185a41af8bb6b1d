import { KafkaRequestError, type JoinGroupResponse } from '../port';
import { connectionLost } from './testing/fake-port';
import {
  failed,
  INTERVAL_MS,
  joined,
  makeStable,
  many,
  never,
  SESSION_MS,
  setUp,
  synced,
} from './testing/member-harness';

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

  it('ignores the answer to a heartbeat of an earlier generation', async () => {
    const setup = setUp();
    await makeStable(setup);
    let answer: (response: { errorCode: number }) => void = () => undefined;
    setup.kafka.script(
      'heartbeat',
      () => new Promise((resolve) => (answer = resolve)),
      () => ({ errorCode: 0 }),
    );
    setup.kafka.script('joinGroup', () => joined(2));
    setup.kafka.script('syncGroup', () => synced('next'));
    await setup.platform.advance(INTERVAL_MS);
    setup.member.requestRejoin('test');
    await setup.platform.settle();
    answer({ errorCode: 22 });
    await setup.platform.advance(INTERVAL_MS);
    expect(setup.log.at(-1)).toBe('assigned 2 m1 next [stable]');
    expect(setup.kafka.callsOf('heartbeat')).toHaveLength(2);
    await setup.member.close({ leave: false });
  });

  it('counts the session from when a heartbeat was sent, not from when it was answered', async () => {
    const setup = setUp();
    await makeStable(setup);
    let answer: (response: { errorCode: number }) => void = () => undefined;
    setup.kafka.script('heartbeat', () => new Promise((resolve) => (answer = resolve)), never);
    setup.kafka.script('joinGroup', never);
    await setup.platform.advance(INTERVAL_MS + 7000);
    answer({ errorCode: 0 });
    await setup.platform.advance(SESSION_MS - 7000 - 1);
    expect(setup.log).toEqual([]);
    await setup.platform.advance(1);
    expect(setup.log[0]).toBe('lost TM5005 [unjoined]');
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

describe('GroupMember: an error that nobody knows', () => {
  const NEWER = 32_000;

  it('drops everything and joins anew, when the owner has dealt with it', async () => {
    const setup = setUp({
      onLost: (error) => setup.platform.scheduler.sleep(700).then(() => void lost.push(error)),
    });
    const lost: unknown[] = [];
    await makeStable(setup);
    setup.beats(NEWER);
    setup.kafka.script('joinGroup', () => joined(2, { memberId: 'm2' }));
    setup.kafka.script('syncGroup', () => synced('again'));
    await setup.platform.advance(INTERVAL_MS);
    expect(setup.kafka.callsOf('joinGroup')).toHaveLength(1);
    await setup.platform.advance(1_000);
    expect(lost).toMatchObject([{ code: 'TM2002', reaction: 'abort-epoch' }]);
    expect(setup.kafka.callsOf('joinGroup').at(-1)).toMatchObject([{ memberId: '' }]);
    expect(setup.member.state()).toBe('stable');
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
