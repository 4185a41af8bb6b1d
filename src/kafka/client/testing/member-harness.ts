import type { TidemarkError } from '../../../errors';
import type { JoinGroupResponse } from '../../port';
import { encodeAssignment } from '../consumer-protocol';
import { GroupMember, type GroupMemberOptions } from '../group-member';
import { FakeKafkaPort } from './fake-port';
import { VirtualPlatform } from './virtual-platform';

export const SESSION_MS = 10_000;
export const INTERVAL_MS = 2_000;

/** A member on a scripted port. `log`: one line a callback, with the state it came in. */
export function setUp(options: Partial<GroupMemberOptions> = {}) {
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

export function joined(generationId: number, extra: Partial<JoinGroupResponse> = {}): JoinGroupResponse {
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

export const failed = (errorCode: number, memberId = '') => joined(-1, { errorCode, memberId });
export const synced = (text: string, errorCode = 0) => ({
  errorCode,
  assignment: encodeAssignment({
    partitions: [{ topic: 'clicks', partition: 3 }],
    userData: Buffer.from(text),
  }),
});
export const never = () => new Promise<never>(() => undefined);
export const many = <T>(answer: T) => Array.from({ length: 100 }, () => () => answer);

/** In generation 1 as m1, a follower, with an empty log. */
export async function makeStable(setup: ReturnType<typeof setUp>): Promise<void> {
  setup.kafka.script('joinGroup', () => joined(1));
  setup.kafka.script('syncGroup', () => synced('work'));
  setup.member.start();
  await setup.platform.settle();
  if (setup.member.state() !== 'stable') throw new Error(`the member is ${setup.member.state()}`);
  setup.log.length = 0;
}
