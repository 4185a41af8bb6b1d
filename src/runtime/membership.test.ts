import { encodeAssignment } from '../kafka/client/consumer-protocol';
import type { MemberAssignment } from '../kafka/client/group-member';
import { joined, many } from '../kafka/client/testing/member-harness';
import type { ExecutorContext } from './executor-context';
import { joinGroup } from './membership';
import type { TaskSet } from './task-set';
import { setUpRuntime } from './testing/runtime-context';

const assignment = {
  errorCode: 0,
  assignment: encodeAssignment({ partitions: [], userData: Buffer.alloc(0) }),
};

describe('A2: an epoch is committed under the generation that came with its tasks', () => {
  it('and not under the newest that the member knows', async () => {
    const { context, kafka, platform } = setUpRuntime();
    kafka.script(
      'joinGroup',
      () => joined(4, { memberId: 'm' }),
      () => joined(5, { memberId: 'm' }),
    );
    kafka.script('syncGroup', ...many(assignment));
    kafka.script('heartbeat', ...many({ errorCode: 0 }));
    const { assigned, membership } = join(context);
    await platform.settle();
    membership.member.requestRejoin('another round');
    await platform.settle();
    expect(membership.member.generation()).toMatchObject({ generationId: 5 });
    expect(assigned.map((taken) => membership.identityOf(taken))).toEqual(
      [4, 5].map((generationId) => ({
        groupId: 'app',
        generationId,
        memberId: 'm',
        groupInstanceId: 'i-0',
      })),
    );
    await membership.member.close({ leave: false });
  });

  it('and under the member id that it had then', async () => {
    const { context, kafka, platform } = setUpRuntime();
    kafka.script(
      'joinGroup',
      () => joined(4, { memberId: 'm' }),
      () => joined(5, { memberId: 'another' }),
    );
    kafka.script('syncGroup', ...many(assignment));
    // UNKNOWN_MEMBER_ID: the session has ended, and the broker gives out a new id.
    kafka.script('heartbeat', () => ({ errorCode: 25 }), ...many({ errorCode: 0 }));
    const { assigned, membership } = join(context);
    await platform.settle();
    await platform.advance(context.config.kafka.heartbeatIntervalMs + 1000);
    expect(assigned.map((taken) => membership.identityOf(taken).memberId)).toEqual(['m', 'another']);
    await membership.member.close({ leave: false });
  });
});

function join(context: ExecutorContext) {
  const assigned: MemberAssignment[] = [];
  const membership = joinGroup(context, { all: () => [] } as unknown as TaskSet, {
    onRevoke: () => Promise.resolve(),
    onAssigned: (taken) => void assigned.push(taken),
    onLost: () => Promise.resolve(),
  });
  return { assigned, membership };
}
