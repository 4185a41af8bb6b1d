import type {
  GroupDescription,
  GroupIdentity,
  JoinGroupRequest,
  JoinGroupResponse,
  SyncGroupRequest,
  SyncGroupResponse,
} from '../port';
import { KafkaError } from '../protocol/errors';
import { OFFSETS_TOPIC, type ClusterState } from './cluster-state';
import { CoordinatorHome } from './coordinator-home';
import type { GroupOffsets } from './group-offsets';
import { GroupRebalance } from './group-rebalance';
import { Group, notJoined, notSynced, saysTheSame, type Member } from './group-state';

/** The group coordinators of all brokers: classic groups with static members (KIP-345, KIP-394, KIP-814). */
export class GroupCoordinator {
  readonly home: CoordinatorHome;
  readonly groups = new Map<string, Group>();
  private readonly state: ClusterState;
  private readonly offsets: GroupOffsets;
  private readonly rebalance: GroupRebalance;

  constructor(state: ClusterState, offsets: GroupOffsets) {
    this.state = state;
    this.offsets = offsets;
    this.rebalance = new GroupRebalance(state);
    this.home = new CoordinatorHome(state, OFFSETS_TOPIC, (index) => this.load(index));
  }

  join(nodeId: number, clientId: string, request: JoinGroupRequest): Promise<JoinGroupResponse> {
    const errorCode = this.joinProblem(nodeId, request);
    if (errorCode !== 0) return Promise.resolve(notJoined(errorCode, request.memberId));
    const group = this.groups.get(request.groupId) ?? this.create(request);
    if (group === null) return Promise.resolve(notJoined(KafkaError.UNKNOWN_MEMBER_ID, request.memberId));
    if (!group.fits(request.protocols, request.memberId))
      return Promise.resolve(notJoined(KafkaError.INCONSISTENT_GROUP_PROTOCOL, request.memberId));
    if (request.memberId !== '') return this.joinKnown(group, clientId, request);
    if (request.groupInstanceId !== null) return this.joinStatic(group, clientId, request);
    return Promise.resolve(this.giveMemberId(group, clientId, request));
  }

  async sync(nodeId: number, request: SyncGroupRequest): Promise<SyncGroupResponse> {
    const errorCode = this.home.refusal(request.groupId, nodeId);
    if (errorCode !== 0) return notSynced(errorCode);
    const group = this.groups.get(request.groupId);
    const problem = group === undefined ? KafkaError.UNKNOWN_MEMBER_ID : memberProblem(group, request);
    const member = group?.members.get(request.memberId);
    if (group === undefined || member === undefined || problem !== 0) return notSynced(problem);
    if (request.protocolName !== group.protocolName) return notSynced(KafkaError.INCONSISTENT_GROUP_PROTOCOL);
    switch (group.state) {
      case 'Empty':
        return notSynced(KafkaError.UNKNOWN_MEMBER_ID);
      case 'PreparingRebalance':
        return notSynced(KafkaError.REBALANCE_IN_PROGRESS);
      case 'CompletingRebalance':
        return this.waitForSync(group, member, request);
      default:
        this.rebalance.keepAlive(group, member);
        return { errorCode: 0, assignment: member.assignment };
    }
  }

  heartbeat(nodeId: number, identity: GroupIdentity): number {
    const refusal = this.home.refusal(identity.groupId, nodeId);
    if (refusal !== 0) return refusal;
    const group = this.groups.get(identity.groupId);
    if (group === undefined) return KafkaError.UNKNOWN_MEMBER_ID;
    const problem = memberProblem(group, identity);
    const member = group.members.get(identity.memberId);
    if (problem !== 0 || member === undefined) return problem;
    this.rebalance.keepAlive(group, member);
    return group.state === 'PreparingRebalance' ? KafkaError.REBALANCE_IN_PROGRESS : 0;
  }

  leave(
    nodeId: number,
    groupId: string,
    members: readonly { readonly memberId: string; readonly groupInstanceId: string | null }[],
  ): number {
    const refusal = this.home.refusal(groupId, nodeId);
    if (refusal !== 0) return refusal;
    const group = this.groups.get(groupId);
    const codes = members.map((identity) => {
      if (group === undefined) return KafkaError.UNKNOWN_MEMBER_ID;
      return this.leaveOne(group, identity);
    });
    return codes.find((errorCode) => errorCode !== 0) ?? 0;
  }

  describe(nodeId: number, groupId: string): GroupDescription {
    const errorCode = this.home.refusal(groupId, nodeId);
    const group = this.groups.get(groupId);
    if (errorCode !== 0) return { groupId, errorCode, state: '', members: [] };
    if (group === undefined) {
      const state = this.offsets.knows(groupId) ? 'Empty' : 'Dead';
      return { groupId, errorCode: 0, state, members: [] };
    }
    const members = [...group.members.values()].map(({ memberId, instanceId, clientId, assignment }) => ({
      ...{ memberId, groupInstanceId: instanceId, clientId, clientHost: '/127.0.0.1' },
      assignment: group.state === 'Stable' ? assignment : Buffer.alloc(0),
    }));
    return { groupId, errorCode: 0, state: group.state, members };
  }

  delete(nodeId: number, groupId: string): number {
    const refusal = this.home.refusal(groupId, nodeId);
    if (refusal !== 0) return refusal;
    const group = this.groups.get(groupId);
    if (group === undefined && !this.offsets.knows(groupId)) return KafkaError.GROUP_ID_NOT_FOUND;
    if (group !== undefined && group.state !== 'Empty') return KafkaError.NON_EMPTY_GROUP;
    this.groups.delete(groupId);
    this.offsets.deleteGroup(groupId);
    return 0;
  }

  /** OffsetCommit proves the session as a heartbeat does. */
  keepAlive(group: Group, member: Member): void {
    this.rebalance.keepAlive(group, member);
  }

  private joinProblem(nodeId: number, { groupId, sessionTimeoutMs }: JoinGroupRequest): number {
    if (groupId === '') return KafkaError.INVALID_GROUP_ID;
    const refusal = this.home.refusal(groupId, nodeId);
    if (refusal !== 0) return refusal;
    const least = this.state.setting('group.min.session.timeout.ms');
    const most = this.state.setting('group.max.session.timeout.ms');
    return sessionTimeoutMs < least || sessionTimeoutMs > most ? KafkaError.INVALID_SESSION_TIMEOUT : 0;
  }

  /** Only who does not claim to be a member yet makes a group. */
  private create({ groupId, memberId }: JoinGroupRequest): Group | null {
    if (memberId !== '') return null;
    const group = new Group(groupId);
    this.groups.set(groupId, group);
    return group;
  }

  /** KIP-394: a dynamic member comes back with the id that it is given here. */
  private giveMemberId(group: Group, clientId: string, request: JoinGroupRequest): JoinGroupResponse {
    const memberId = this.newMemberId(clientId);
    const forget = this.state.platform.after(request.sessionTimeoutMs, () => {
      group.pendingMembers.delete(memberId);
      this.rebalance.completeIfAllHaveJoined(group);
    });
    group.pendingMembers.set(memberId, forget);
    return notJoined(KafkaError.MEMBER_ID_REQUIRED, memberId);
  }

  private joinKnown(group: Group, clientId: string, request: JoinGroupRequest): Promise<JoinGroupResponse> {
    const { memberId } = request;
    const pending = group.pendingMembers.get(memberId);
    if (pending !== undefined && request.groupInstanceId === null) {
      pending();
      group.pendingMembers.delete(memberId);
      return this.rebalance.waitForJoin(group, this.add(group, memberId, clientId, request), request);
    }
    const problem = group.identityError(request);
    const member = group.members.get(memberId);
    if (problem !== 0 || member === undefined) return Promise.resolve(notJoined(problem, memberId));
    this.rebalance.keepAlive(group, member);
    if (this.standsAsItIs(group, member, request)) {
      return Promise.resolve(this.rebalance.joined(group, memberId));
    }
    return this.rebalance.waitForJoin(group, member, request);
  }

  /** A member that has nothing new to say: only a leader's JoinGroup makes a stable group rebalance. */
  private standsAsItIs(group: Group, member: Member, { protocols }: JoinGroupRequest): boolean {
    if (!saysTheSame(member, protocols)) return false;
    if (group.state === 'CompletingRebalance') return true;
    return group.state === 'Stable' && group.leader !== member.memberId;
  }

  private joinStatic(group: Group, clientId: string, request: JoinGroupRequest): Promise<JoinGroupResponse> {
    const instanceId = request.groupInstanceId ?? '';
    const memberId = this.newMemberId(instanceId);
    const before = group.memberOf(instanceId);
    if (before === undefined) {
      return this.rebalance.waitForJoin(group, this.add(group, memberId, clientId, request), request);
    }
    const member = this.replace(group, before, memberId, request);
    if (group.state === 'Stable' && group.selectProtocol() === group.protocolName) {
      group.persist();
      const leads = group.leader === memberId;
      const members = leads ? this.rebalance.membersOf(group) : [];
      return Promise.resolve({ ...this.rebalance.joined(group, memberId), skipAssignment: leads, members });
    }
    return this.rebalance.waitForJoin(group, member, request);
  }

  /** The process behind an instance id is another one now; the old one is fenced (KIP-345). */
  private replace(group: Group, before: Member, memberId: string, request: JoinGroupRequest): Member {
    before.cancelSession();
    before.awaitingJoin?.(notJoined(KafkaError.FENCED_INSTANCE_ID, before.memberId));
    before.awaitingSync?.(notSynced(KafkaError.FENCED_INSTANCE_ID));
    const { sessionTimeoutMs, rebalanceTimeoutMs, protocols } = request;
    const change = {
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      protocols,
      awaitingJoin: null,
      awaitingSync: null,
    };
    const member: Member = { ...before, ...change, memberId };
    group.members.delete(before.memberId);
    group.members.set(memberId, member);
    if (group.leader === before.memberId) group.leader = memberId;
    this.rebalance.keepAlive(group, member);
    return member;
  }

  private add(group: Group, memberId: string, clientId: string, request: JoinGroupRequest): Member {
    const { groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, protocols } = request;
    const member: Member = {
      ...{ memberId, instanceId: groupInstanceId, clientId },
      ...{ sessionTimeoutMs, rebalanceTimeoutMs, protocols, assignment: Buffer.alloc(0) },
      ...{ awaitingJoin: null, awaitingSync: null, cancelSession: () => undefined },
    };
    group.members.set(memberId, member);
    this.rebalance.keepAlive(group, member);
    return member;
  }

  private async waitForSync(
    group: Group,
    member: Member,
    request: SyncGroupRequest,
  ): Promise<SyncGroupResponse> {
    return new Promise((resolve) => {
      member.awaitingSync = resolve;
      if (group.leader === member.memberId) void this.storeAssignments(group, request);
    });
  }

  private async storeAssignments(group: Group, { assignments }: SyncGroupRequest): Promise<void> {
    const { generation } = group;
    await this.state.hop();
    if (group.state !== 'CompletingRebalance' || group.generation !== generation) return;
    for (const { memberId, assignment } of assignments) {
      const member = group.members.get(memberId);
      if (member !== undefined) member.assignment = Buffer.from(assignment);
    }
    this.rebalance.becomeStable(group);
  }

  private leaveOne(
    group: Group,
    { memberId, groupInstanceId }: { readonly memberId: string; readonly groupInstanceId: string | null },
  ): number {
    if (groupInstanceId === null && group.pendingMembers.has(memberId)) {
      group.pendingMembers.get(memberId)?.();
      group.pendingMembers.delete(memberId);
      this.rebalance.completeIfAllHaveJoined(group);
      return 0;
    }
    const byInstance = groupInstanceId === null ? undefined : group.memberOf(groupInstanceId);
    const unnamed = memberId === '' && byInstance !== undefined; // an administrator removes it by its instance id
    const problem = unnamed ? 0 : group.identityError({ memberId, groupInstanceId });
    const member = byInstance ?? group.members.get(memberId);
    if (problem !== 0 || member === undefined) return problem;
    this.rebalance.remove(group, member);
    return 0;
  }

  private load(index: number): void {
    for (const group of this.groups.values()) {
      if (this.home.indexOf(group.groupId) !== index) continue;
      group.restore();
      for (const member of group.members.values()) this.rebalance.keepAlive(group, member);
    }
  }

  private newMemberId(prefix: string): string {
    return `${prefix}-${this.state.platform.random.id()}`;
  }
}

/** 0, or why a member's Heartbeat or SyncGroup is refused. */
function memberProblem(group: Group, identity: GroupIdentity): number {
  const problem = group.identityError(identity);
  if (problem !== 0) return problem;
  return identity.generationId === group.generation ? 0 : KafkaError.ILLEGAL_GENERATION;
}
