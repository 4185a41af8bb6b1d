import { isTidemarkError, type TidemarkError } from '../../errors';
import { unreachable } from '../../util/asserts';
import type { GroupIdentity, JoinGroupResponse, KafkaPort, SyncGroupResponse, TopicPartition } from '../port';
import { KafkaError } from '../protocol/errors';
import { brokerError, connectionError } from './broker-errors';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type Assignment,
} from './consumer-protocol';
import { membershipReactionTo } from './error-reactions';

export interface MemberMetadata {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly userData: Buffer;
}

/** By member id. A member that is left out gets an empty assignment. */
export type Assignments = ReadonlyMap<string, Assignment>;

export interface RoundOptions {
  readonly port: KafkaPort;
  readonly groupId: string;
  readonly groupInstanceId: string | null;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolName: string;
  readonly topics: readonly string[];
  readonly subscription: () => Buffer;
  readonly assign: (members: readonly MemberMetadata[], generationId: number) => Promise<Assignments>;
}

/** What a JoinGroup came to. A closed set: the member switches over all of it. */
export type JoinOutcome =
  | { readonly kind: 'joined'; readonly identity: GroupIdentity; readonly answer: JoinGroupResponse }
  /** The broker has given out a member id: join again with it, at once. */
  | { readonly kind: 'member-id'; readonly memberId: string }
  | Failure;

export type SyncOutcome =
  | { readonly kind: 'assigned'; readonly identity: GroupIdentity; readonly assignment: Assignment }
  /** Another rebalance has begun: join again, at once. */
  | { readonly kind: 'again' }
  | Failure;

export type Failure =
  /** Join again after a pause, as the same member. */
  | { readonly kind: 'retry'; readonly error: TidemarkError }
  /** What was owned may have another owner. */
  | { readonly kind: 'lost'; readonly error: TidemarkError; readonly keepsMemberId: boolean }
  | { readonly kind: 'fatal'; readonly error: unknown };

/** One JoinGroup. Version 9 and a static member: no member id is asked for first (KIP-345). */
export async function joinOnce(
  options: RoundOptions,
  memberId: string,
  reason: string,
): Promise<JoinOutcome> {
  const where = `group ${options.groupId}`;
  let answer: JoinGroupResponse;
  try {
    const metadata = encodeSubscription({ topics: options.topics, userData: options.subscription() });
    answer = await options.port.joinGroup({
      groupId: options.groupId,
      memberId,
      groupInstanceId: options.groupInstanceId,
      sessionTimeoutMs: options.sessionTimeoutMs,
      rebalanceTimeoutMs: options.rebalanceTimeoutMs,
      protocols: [{ name: options.protocolName, metadata }],
      reason,
    });
  } catch (error) {
    return unanswered(error, where);
  }
  if (answer.errorCode === KafkaError.MEMBER_ID_REQUIRED)
    return { kind: 'member-id', memberId: answer.memberId };
  if (answer.errorCode !== KafkaError.NONE) return failureFor('JoinGroup', answer.errorCode, where);
  const { generationId } = answer;
  const { groupId, groupInstanceId } = options;
  return {
    kind: 'joined',
    answer,
    identity: { groupId, groupInstanceId, generationId, memberId: answer.memberId },
  };
}

/**
 * One SyncGroup; the leader computes the assignments first, unless the broker says that those of the last generation
 * stand (skipAssignment, KIP-814: a static leader that restarted).
 */
export async function syncOnce(
  options: RoundOptions,
  identity: GroupIdentity,
  joined: JoinGroupResponse,
): Promise<SyncOutcome> {
  const where = `group ${options.groupId}, generation ${identity.generationId}`;
  let answer: SyncGroupResponse;
  try {
    const leads = joined.leader === identity.memberId && !joined.skipAssignment;
    const assignments = leads ? await computeAssignments(options, joined) : [];
    answer = await options.port.syncGroup({ ...identity, protocolName: options.protocolName, assignments });
  } catch (error) {
    return unanswered(error, where);
  }
  if (answer.errorCode === KafkaError.REBALANCE_IN_PROGRESS) return { kind: 'again' };
  if (answer.errorCode !== KafkaError.NONE) return failureFor('SyncGroup', answer.errorCode, where);
  try {
    return { kind: 'assigned', identity, assignment: decodeAssignment(answer.assignment) };
  } catch (error) {
    return { kind: 'fatal', error };
  }
}

async function computeAssignments(options: RoundOptions, joined: JoinGroupResponse) {
  const members = joined.members.map(({ memberId, groupInstanceId, metadata }) => ({
    memberId,
    groupInstanceId,
    userData: decodeSubscription(metadata).userData,
  }));
  const assignments = await options.assign(members, joined.generationId);
  return members.map(({ memberId }) => ({
    memberId,
    assignment: encodeAssignment(assignments.get(memberId) ?? NOTHING),
  }));
}

const NOTHING: Assignment = { partitions: [] as readonly TopicPartition[], userData: Buffer.alloc(0) };

function unanswered(error: unknown, where: string): Failure {
  if (isTidemarkError(error))
    return error.reaction === 'retry' ? { kind: 'retry', error } : { kind: 'fatal', error };
  try {
    return { kind: 'retry', error: connectionError(error, where) };
  } catch {
    return { kind: 'fatal', error };
  }
}

/**
 * What an error code means for the membership. ILLEGAL_GENERATION leaves the member id valid, but nothing owned. After
 * an error that nobody knows everything is dropped and joined anew, at the restart strategy's pace.
 */
export function failureFor(api: string, errorCode: number, where: string): Failure {
  const error = brokerError(api, errorCode, where);
  const reaction = membershipReactionTo(errorCode);
  switch (reaction) {
    case 'retry':
      return { kind: 'retry', error };
    case 'rejoin':
    case 'abort-epoch':
      return { kind: 'lost', error, keepsMemberId: errorCode === KafkaError.ILLEGAL_GENERATION };
    case 'usage':
    case 'stop':
      return { kind: 'fatal', error };
    default:
      return unreachable(reaction);
  }
}
