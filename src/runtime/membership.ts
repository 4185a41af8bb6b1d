import { TidemarkError } from '../errors';
import { GroupMember, type MemberAssignment } from '../kafka/client/group-member';
import type { Assignments, MemberMetadata } from '../kafka/client/group-round';
import type { GroupIdentity, TopicPartition } from '../kafka/port';
import { assignTasks, type MemberClaim } from './assignment';
import { groupInstanceIdOf, type ExecutorContext } from './executor-context';
import { allTasks, inputPartitions, type JobPlan, type TaskId } from './job-plan';
import { decodeSubscription, encodeAssignment, encodeSubscription } from './member-data';
import type { TaskSet } from './task-set';

export interface Membership {
  readonly member: GroupMember;
  /** The identity under which the epochs of an assignment are committed: captured with it (A2). */
  identityOf(assignment: MemberAssignment): GroupIdentity;
}

/** Joins the job's consumer group as one executor; the leader computes assignments with `assignment.ts`. */
export function joinGroup(
  context: ExecutorContext,
  tasks: TaskSet,
  callbacks: {
    onRevoke: () => Promise<void>;
    onAssigned: (assignment: MemberAssignment) => void;
    onLost: (error: unknown) => Promise<void>;
  },
): Membership {
  const { config, plan, port, platform } = context;
  const groupInstanceId = groupInstanceIdOf(context);
  let generation = -1;
  const member = new GroupMember({
    port,
    platform,
    groupId: config.applicationId,
    groupInstanceId,
    sessionTimeoutMs: config.kafka.sessionTimeoutMs,
    rebalanceTimeoutMs: config.kafka.transactionTimeoutMs,
    heartbeatIntervalMs: config.kafka.heartbeatIntervalMs,
    topics: subscribedTopics(plan),
    subscription: () =>
      encodeSubscription({
        fingerprint: context.topology.fingerprint,
        incarnation: plan.incarnation,
        owned: tasks.all().map((task) => task.name),
        generation,
        previous: [],
      }),
    assign: (members) => Promise.resolve(computeAssignments(members, context)),
    onRevoke: callbacks.onRevoke,
    onAssigned: (assignment) => {
      generation = assignment.generationId;
      callbacks.onAssigned(assignment);
    },
    onLost: callbacks.onLost,
  });
  member.start();
  return {
    member,
    identityOf: ({ generationId, memberId }) => ({
      groupId: config.applicationId,
      generationId,
      memberId,
      groupInstanceId,
    }),
  };
}

function computeAssignments(members: readonly MemberMetadata[], context: ExecutorContext): Assignments {
  const { plan, topology } = context;
  const claims = members.map((member): MemberClaim => {
    const data = decodeSubscription(member.userData);
    if (data === null || data.fingerprint !== topology.fingerprint) throw foreignMember(member, context);
    return {
      memberId: member.memberId,
      name: member.groupInstanceId ?? member.memberId,
      owned: data.owned,
      generation: data.generation,
      previous: data.previous,
    };
  });
  const assigned = assignTasks(allTasks(plan), claims);
  return new Map(
    [...assigned].map(([memberId, tasks]) => [
      memberId,
      {
        partitions: tasks.flatMap((task) => partitionsOf(task, plan)),
        userData: encodeAssignment({ incarnation: plan.incarnation, tasks }),
      },
    ]),
  );
}

function foreignMember(member: MemberMetadata, { config }: ExecutorContext): TidemarkError {
  const id = config.applicationId;
  return new TidemarkError('TM1006', 'stop', `consumer group ${id} has a member that runs another job`, {
    where: member.groupInstanceId ?? member.memberId,
    hint: 'give one of them another --application-id, or stop the other program',
  });
}

/** Derived for Kafka's own tools, never read back (B5). */
function partitionsOf(task: TaskId, plan: JobPlan): TopicPartition[] {
  const planned = plan.stages.find(({ stage }) => stage.name === task.stage);
  return (planned?.inputs ?? [])
    .filter((input) => task.partition < inputPartitions(plan, input))
    .map(({ topic }) => ({ topic, partition: task.partition }));
}

function subscribedTopics(plan: JobPlan): string[] {
  return [...new Set(plan.stages.flatMap(({ inputs }) => inputs.map(({ topic }) => topic)))];
}
