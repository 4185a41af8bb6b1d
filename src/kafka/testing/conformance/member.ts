import type {
  GroupIdentity,
  JoinGroupRequest,
  JoinGroupResponse,
  KafkaPort,
  TopicPartition,
} from '../../port';
import type { Bench } from './bench';
import { nameOf, type ErrorName } from './errors';
import { txnOffset } from './producer';

/** The version of ConsumerProtocol, no topics, no user data: brokers read so far. */
export const EMPTY_SUBSCRIPTION = Buffer.from([0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);

export interface JoinOptions {
  readonly sessionTimeoutMs?: number;
  readonly rebalanceTimeoutMs?: number;
  readonly protocol?: string;
  readonly metadata?: Buffer;
}

/** A group member, one request at a time. */
export class TestMember {
  readonly groupId: string;
  readonly groupInstanceId: string | null;
  readonly #bench: Bench;
  readonly #port: KafkaPort;
  memberId = '';
  generationId = -1;
  /** The answer to the last JoinGroup that was taken. */
  joined: JoinGroupResponse | null = null;

  constructor(bench: Bench, port: KafkaPort, groupId: string, groupInstanceId: string | null) {
    this.#bench = bench;
    this.#port = port;
    this.groupId = groupId;
    this.groupInstanceId = groupInstanceId;
  }

  get identity(): GroupIdentity {
    const { groupId, generationId, memberId, groupInstanceId } = this;
    return { groupId, generationId, memberId, groupInstanceId };
  }

  /** What it is now, kept over its next JoinGroup. */
  copy(): TestMember {
    const copy = new TestMember(this.#bench, this.#port, this.groupId, this.groupInstanceId);
    copy.memberId = this.memberId;
    copy.generationId = this.generationId;
    return copy;
  }

  request(options: JoinOptions = {}): JoinGroupRequest {
    const { sessionTimeoutMs = 30_000, rebalanceTimeoutMs = 30_000, protocol = 'range' } = options;
    const { groupId, memberId, groupInstanceId } = this;
    const protocols = [{ name: protocol, metadata: options.metadata ?? EMPTY_SUBSCRIPTION }];
    return {
      groupId,
      memberId,
      groupInstanceId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      protocols,
      reason: null,
    };
  }

  /** Resolves when the rebalance has everybody; a dynamic member that is told its id joins again with it. */
  async join(options: JoinOptions = {}): Promise<JoinGroupResponse> {
    let answer = await this.joinOnce(options);
    if (nameOf(answer) === 'MEMBER_ID_REQUIRED') {
      this.memberId = answer.memberId;
      answer = await this.joinOnce(options);
    }
    if (answer.errorCode === 0) {
      this.memberId = answer.memberId;
      this.generationId = answer.generationId;
      this.joined = answer;
    }
    return answer;
  }

  joinOnce(options: JoinOptions = {}): Promise<JoinGroupResponse> {
    return this.#bench.settled(() => this.#port.joinGroup(this.request(options)));
  }

  /** SyncGroup; a leader gives `assignments` by member id. @returns error and own assignment */
  async sync(
    assignments: Readonly<Record<string, string>> = {},
  ): Promise<{ error: ErrorName; assignment: string }> {
    const given = Object.entries(assignments).map(([memberId, assignment]) => ({
      memberId,
      assignment: Buffer.from(assignment),
    }));
    const answer = await this.#port.syncGroup({
      ...this.identity,
      protocolName: 'range',
      assignments: given,
    });
    return { error: nameOf(answer), assignment: answer.assignment.toString() };
  }

  /** Joins as the only member and gives itself an assignment. */
  async joinAlone(options: JoinOptions = {}): Promise<this> {
    const answer = await this.join(options);
    if (answer.errorCode !== 0) throw new Error(`JoinGroup: ${nameOf(answer)}`);
    const { error } = await this.sync({ [this.memberId]: 'all' });
    if (error !== 'NONE') throw new Error(`SyncGroup: ${error}`);
    return this;
  }

  async heartbeat(): Promise<ErrorName> {
    return nameOf(await this.#port.heartbeat(this.identity));
  }

  /** Heartbeats until it is told to join again. */
  async untilRebalance(): Promise<void> {
    await this.#bench.eventually('a rebalance', async () =>
      (await this.heartbeat()) === 'REBALANCE_IN_PROGRESS' ? true : undefined,
    );
  }

  async commit(at: TopicPartition, offset: number): Promise<ErrorName> {
    const [answer] = await this.#port.offsetCommit(this.identity, [txnOffset(at, offset)]);
    return nameOf(answer);
  }

  async leave(): Promise<ErrorName> {
    const { memberId, groupInstanceId } = this;
    return nameOf(await this.#port.leaveGroup(this.groupId, [{ memberId, groupInstanceId }]));
  }
}

/** The committed offset, -1 for none, or the error that stands in its place. */
export async function committedOffset(
  bench: Bench,
  groupId: string,
  at: TopicPartition,
  requireStable = true,
): Promise<number | ErrorName> {
  const answer = await bench.settled(() => bench.port.offsetFetch(groupId, [at], requireStable));
  const [only] = answer.offsets;
  if (answer.errorCode !== 0) return nameOf(answer);
  return only?.errorCode === 0 ? Number(only.offset) : nameOf(only);
}

/** The committed offset once no transaction is open over it. */
export function stableOffset(bench: Bench, groupId: string, at: TopicPartition): Promise<number> {
  return bench.eventually(`the offset of ${groupId}`, async () => {
    const offset = await committedOffset(bench, groupId, at);
    return typeof offset === 'number' ? offset : undefined;
  });
}
