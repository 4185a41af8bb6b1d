import type { JoinGroupRequest, JoinGroupResponse } from '../port';
import { KafkaError } from '../protocol/errors';
import type { ClusterState } from './cluster-state';
import { notSynced, type Group, type Member } from './group-state';

/** The rebalances of all groups: who waits for whom, and until when (Kafka's GroupMetadataManager, classic groups). */
export class GroupRebalance {
  private readonly state: ClusterState;

  constructor(state: ClusterState) {
    this.state = state;
  }

  /** A rebalance begins, unless one is on already that nobody has been told the end of. */
  prepare(group: Group): void {
    if (group.state === 'PreparingRebalance') return this.completeIfAllHaveJoined(group);
    if (group.state === 'CompletingRebalance') this.refuseSyncs(group);
    const delay = group.state === 'Empty' ? this.state.setting('group.initial.rebalance.delay.ms') : 0;
    group.transition('PreparingRebalance');
    if (delay > 0) return this.armTimer(group, delay, () => this.completeJoin(group));
    this.armTimer(group, group.rebalanceTimeoutMs, () => this.completeJoin(group));
    this.completeIfAllHaveJoined(group);
  }

  completeIfAllHaveJoined(group: Group): void {
    if (group.state === 'PreparingRebalance' && group.allHaveJoined) this.completeJoin(group);
  }

  /** The member gets an answer when the rebalance is complete. */
  waitForJoin(group: Group, member: Member, request: JoinGroupRequest): Promise<JoinGroupResponse> {
    member.protocols = request.protocols;
    member.sessionTimeoutMs = request.sessionTimeoutMs;
    member.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
    return new Promise((resolve) => {
      member.awaitingJoin = resolve;
      this.prepare(group);
    });
  }

  /** Takes the member out; what it waited for is not answered. */
  remove(group: Group, member: Member): void {
    this.forget(group, member);
    if (group.state === 'Stable' || group.state === 'CompletingRebalance') this.prepare(group);
    else if (group.state === 'PreparingRebalance') this.completeIfAllHaveJoined(group);
  }

  /** The session begins anew. One that waits for an answer does not run out. */
  keepAlive(group: Group, member: Member): void {
    member.cancelSession();
    member.cancelSession = this.state.platform.after(member.sessionTimeoutMs, () => {
      if (group.members.get(member.memberId) !== member) return;
      if (member.awaitingJoin === null && member.awaitingSync === null) this.remove(group, member);
    });
  }

  /** The leader's assignments are in the log: everybody who waits is told. */
  becomeStable(group: Group): void {
    group.cancelTimer();
    group.transition('Stable');
    group.persist();
    for (const member of group.members.values()) {
      member.awaitingSync?.({ errorCode: 0, assignment: member.assignment });
      member.awaitingSync = null;
      this.keepAlive(group, member);
    }
  }

  /** What a member is told that joined the present generation. */
  joined(group: Group, memberId: string): JoinGroupResponse {
    const leads = group.leader === memberId;
    return {
      errorCode: 0,
      generationId: group.generation,
      protocolName: group.protocolName,
      leader: group.leader ?? '',
      memberId,
      skipAssignment: false,
      members: leads ? this.membersOf(group) : [],
    };
  }

  membersOf(group: Group): JoinGroupResponse['members'] {
    return [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      metadata: group.metadataOf(member),
    }));
  }

  private completeJoin(group: Group): void {
    if (group.state !== 'PreparingRebalance') return;
    for (const member of [...group.members.values()]) {
      if (member.awaitingJoin === null && member.instanceId === null) this.forget(group, member);
    }
    if (group.members.size > 0 && !this.electLeader(group)) {
      // Only static members that have not come back: their sessions decide.
      return this.armTimer(group, group.rebalanceTimeoutMs, () => this.completeJoin(group));
    }
    group.cancelTimer();
    group.generation++;
    if (group.members.size === 0) return this.becomeEmpty(group);
    group.protocolName = group.selectProtocol();
    group.transition('CompletingRebalance');
    for (const member of group.members.values()) this.tellJoined(group, member);
    this.armTimer(group, group.rebalanceTimeoutMs, () => this.dropSilent(group));
  }

  private tellJoined(group: Group, member: Member): void {
    member.assignment = Buffer.alloc(0);
    this.keepAlive(group, member);
    member.awaitingJoin?.(this.joined(group, member.memberId));
    member.awaitingJoin = null;
  }

  private becomeEmpty(group: Group): void {
    group.protocolName = null;
    group.leader = null;
    group.transition('Empty');
    group.persist();
  }

  /** The leader stays when it has come back, else the first that has leads. */
  private electLeader(group: Group): boolean {
    const joined = [...group.members.values()].filter(({ awaitingJoin }) => awaitingJoin !== null);
    if (joined.some(({ memberId }) => memberId === group.leader)) return true;
    group.leader = joined[0]?.memberId ?? group.leader;
    return joined.length > 0;
  }

  /** Who has joined and then not synced within the rebalance time-out is out. */
  private dropSilent(group: Group): void {
    if (group.state !== 'CompletingRebalance') return;
    const silent = [...group.members.values()].filter(({ awaitingSync }) => awaitingSync === null);
    for (const member of silent) this.forget(group, member);
    this.prepare(group);
  }

  private refuseSyncs(group: Group): void {
    for (const member of group.members.values()) {
      member.awaitingSync?.(notSynced(KafkaError.REBALANCE_IN_PROGRESS));
      member.awaitingSync = null;
      this.keepAlive(group, member);
    }
  }

  private forget(group: Group, member: Member): void {
    member.cancelSession();
    group.members.delete(member.memberId);
    if (group.leader === member.memberId) group.leader = null;
  }

  private armTimer(group: Group, ms: number, fn: () => void): void {
    group.cancelTimer();
    group.cancelTimer = this.state.platform.after(ms, fn);
  }
}
