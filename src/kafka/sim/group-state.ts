import type { Cancel } from '../../util/ports';
import { assert } from '../../util/asserts';
import type { GroupIdentity, JoinGroupRequest, JoinGroupResponse, SyncGroupResponse } from '../port';
import { KafkaError } from '../protocol/errors';

/**
 * ```
 *             a member joins                all have joined                  the leader syncs
 *   Empty ------------------> PreparingRebalance ----------> CompletingRebalance ----------> Stable
 *     ^                         |   ^      ^                     |                              |
 *     +--- the last is gone ----+   |      +-- a member joins or goes, or does not sync --------+
 * ```
 */
export type GroupStateName = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable';

const NEXT: Readonly<Record<GroupStateName, readonly GroupStateName[]>> = {
  Empty: ['PreparingRebalance', 'Empty'],
  PreparingRebalance: ['CompletingRebalance', 'Empty'],
  CompletingRebalance: ['Stable', 'PreparingRebalance'],
  Stable: ['PreparingRebalance', 'Stable'],
};

export interface Member {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  protocols: JoinGroupRequest['protocols'];
  assignment: Buffer;
  /** Waits for the answer to its JoinGroup or SyncGroup. */
  awaitingJoin: ((answer: JoinGroupResponse) => void) | null;
  awaitingSync: ((answer: SyncGroupResponse) => void) | null;
  cancelSession: Cancel;
}

/** What is in `__consumer_offsets`, and so all that a new coordinator knows. */
interface PersistedGroup {
  readonly generation: number;
  readonly protocolName: string | null;
  readonly leader: string | null;
  readonly members: readonly Member[];
}

/** A classic consumer group, as its coordinator has it in memory. */
export class Group {
  readonly groupId: string;
  state: GroupStateName = 'Empty';
  generation = 0;
  protocolName: string | null = null;
  leader: string | null = null;
  /** In the order in which they came. */
  readonly members = new Map<string, Member>();
  /** Dynamic members that were given an id and have not come back with it (KIP-394). */
  readonly pendingMembers = new Map<string, Cancel>();
  cancelTimer: Cancel = () => undefined;
  private persisted: PersistedGroup | null = null;

  constructor(groupId: string) {
    this.groupId = groupId;
  }

  transition(to: GroupStateName): void {
    assert(NEXT[this.state].includes(to), () => `group: ${this.state} to ${to}`);
    this.state = to;
  }

  memberOf(instanceId: string): Member | undefined {
    return [...this.members.values()].find((member) => member.instanceId === instanceId);
  }

  /** 0, or why the group does not take the caller for a member. */
  identityError({ memberId, groupInstanceId }: Pick<GroupIdentity, 'memberId' | 'groupInstanceId'>): number {
    if (groupInstanceId !== null) {
      const owner = this.memberOf(groupInstanceId);
      if (owner === undefined) return KafkaError.UNKNOWN_MEMBER_ID;
      return owner.memberId === memberId ? 0 : KafkaError.FENCED_INSTANCE_ID;
    }
    return this.members.has(memberId) ? 0 : KafkaError.UNKNOWN_MEMBER_ID;
  }

  get allHaveJoined(): boolean {
    if (this.pendingMembers.size > 0) return false;
    return [...this.members.values()].every(({ awaitingJoin }) => awaitingJoin !== null);
  }

  get rebalanceTimeoutMs(): number {
    return Math.max(0, ...[...this.members.values()].map((member) => member.rebalanceTimeoutMs));
  }

  /** The protocol that all members speak and most of them prefer; null: there is none. */
  selectProtocol(): string | null {
    const votes = new Map<string, number>();
    for (const { protocols } of this.members.values()) {
      const best = protocols.find(({ name }) => this.allSpeak(name));
      if (best !== undefined) votes.set(best.name, (votes.get(best.name) ?? 0) + 1);
    }
    const [winner] = [...votes].sort(([, a], [, b]) => b - a);
    return winner?.[0] ?? null;
  }

  /** Whether a member that speaks these could join. */
  fits(protocols: JoinGroupRequest['protocols'], exceptFor: string): boolean {
    if (protocols.length === 0) return false;
    const others = [...this.members.values()].filter(({ memberId }) => memberId !== exceptFor);
    return protocols.some(({ name }) => others.every((member) => speaks(member, name)));
  }

  metadataOf(member: Member): Buffer {
    return member.protocols.find(({ name }) => name === this.protocolName)?.metadata ?? Buffer.alloc(0);
  }

  persist(): void {
    const { generation, protocolName, leader } = this;
    const members = [...this.members.values()].map((member) => ({ ...member }));
    this.persisted = { generation, protocolName, leader, members };
  }

  /** A new coordinator has read the group; whoever waited at the old one has lost the connection. */
  restore(): void {
    this.cancelTimer();
    for (const { cancelSession } of this.members.values()) cancelSession();
    for (const cancel of this.pendingMembers.values()) cancel();
    this.members.clear();
    this.pendingMembers.clear();
    const known = this.persisted;
    this.generation = known?.generation ?? 0;
    this.protocolName = known?.protocolName ?? null;
    this.leader = known?.leader ?? null;
    for (const member of known?.members ?? [])
      this.members.set(member.memberId, { ...member, awaitingJoin: null, awaitingSync: null });
    this.state = this.members.size === 0 ? 'Empty' : 'Stable';
  }

  private allSpeak(name: string): boolean {
    return [...this.members.values()].every((member) => speaks(member, name));
  }
}

function speaks({ protocols }: Member, name: string): boolean {
  return protocols.some((protocol) => protocol.name === name);
}

/** Whether the member said the same when it joined: byte for byte. */
export function saysTheSame(member: Member, protocols: JoinGroupRequest['protocols']): boolean {
  if (member.protocols.length !== protocols.length) return false;
  return protocols.every(({ name, metadata }, i) => {
    const before = member.protocols[i];
    return before?.name === name && before.metadata.equals(metadata);
  });
}

export function notJoined(errorCode: number, memberId: string): JoinGroupResponse {
  return {
    ...{ errorCode, generationId: -1, protocolName: null, leader: '', memberId },
    ...{ skipAssignment: false, members: [] },
  };
}

export function notSynced(errorCode: number): SyncGroupResponse {
  return { errorCode, assignment: Buffer.alloc(0) };
}
