import { randomUUID } from 'node:crypto';
import { retryUntil } from '../src/kafka/client/backoff';
import { brokerError, connectionError, reactionTo } from '../src/kafka/client/broker-errors';
import type { ClientContext } from '../src/kafka/client/client-context';
import { decodeAssignment } from '../src/kafka/client/consumer-protocol';
import { GroupMember, type MemberAssignment, type MemberMetadata } from '../src/kafka/client/group-member';
import { MetadataCache } from '../src/kafka/client/metadata-cache';
import { deleteTopics, describeTopics, ensureTopics, topicConfigs } from '../src/kafka/client/topic-admin';
import { createKafkaPort } from '../src/kafka/transport/real-kafka-port';
import { obtainKafka, type KafkaHandle } from '../src/provision';
import { systemPlatform as platform } from '../src/util/system';

jest.setTimeout(90_000);

const SESSION_MS = 6_000;
const PARTITIONS = 4;

let client: ClientContext;
let topic: string;

let kafka: KafkaHandle;

beforeAll(async () => {
  kafka = await obtainKafka();
  const port = createKafkaPort({ brokers: kafka.brokers, clientId: 'kafka-client-test' }, platform);
  client = { port, platform, metadata: new MetadataCache(port, platform) };
});

afterAll(async () => {
  client.metadata.close();
  await client.port.close();
  await kafka.stop();
});

beforeEach(async () => {
  topic = `client-${randomUUID()}`;
  const configs = { 'retention.ms': '3600000' };
  await ensureTopics(client.port, platform, [
    { topic, partitions: PARTITIONS, replicationFactor: 1, configs },
  ]);
});

afterEach(() => deleteTopics(client.port, platform, [topic]));

/** Repeats a request until it is taken; a broker that has just started knows no coordinators yet. */
async function accepted<T extends { readonly errorCode: number }>(
  api: string,
  ask: () => Promise<T>,
): Promise<T> {
  return retryUntil({ platform, deadlineMs: 20_000 }, async () => {
    let answer: T;
    try {
      answer = await ask();
    } catch (error) {
      return { again: connectionError(error, topic) };
    }
    if (answer.errorCode === 0) return { done: answer };
    const error = brokerError(api, answer.errorCode, topic);
    if (reactionTo(answer.errorCode) !== 'retry') throw error;
    return { again: error };
  });
}

async function within<T>(ms: number, what: string, ask: () => T | undefined): Promise<T> {
  for (const deadline = Date.now() + ms; ;) {
    const answer = ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await platform.scheduler.sleep(10);
  }
}

describe('topics', () => {
  it('creates once, checks counts, reads settings, deletes', async () => {
    const same = { topic, partitions: PARTITIONS, replicationFactor: 1, configs: {} };
    await ensureTopics(client.port, platform, [same]);
    await expect(ensureTopics(client.port, platform, [{ ...same, partitions: 3 }])).rejects.toMatchObject({
      code: 'TM2004',
      message: `topic ${topic} has ${PARTITIONS} partitions, the job needs 3`,
    });
    expect((await topicConfigs(client.port, platform, [topic])).get(topic)?.get('retention.ms')).toBe(
      '3600000',
    );
    expect(await client.metadata.partitionCount(topic)).toBe(PARTITIONS);
    expect(await client.metadata.clusterId()).not.toBe('');
    const other = `${topic}-2`;
    await ensureTopics(client.port, platform, [{ ...same, topic: other }]);
    await deleteTopics(client.port, platform, [other]);
    expect((await describeTopics(client.port, [other])).get(other)).toBeNull();
  });
});

/** A member whose leader hands partitions out by turns. */
class TestMember {
  readonly events: string[] = [];
  readonly member: GroupMember;
  current: MemberAssignment | null = null;
  assigned = 0;
  led = 0;

  constructor(groupId: string, groupInstanceId: string | null, userData: string) {
    this.member = new GroupMember({
      port: client.port,
      platform,
      groupId,
      groupInstanceId,
      sessionTimeoutMs: SESSION_MS,
      rebalanceTimeoutMs: 10_000,
      heartbeatIntervalMs: 300,
      topics: [topic],
      subscription: () => Buffer.from(userData),
      assign: (members) => this.assign(members),
      onRevoke: () => Promise.resolve(void this.events.push('revoke')),
      onAssigned: (assignment) => {
        this.current = assignment;
        this.assigned++;
        this.events.push('assigned');
      },
      onLost: (error) => {
        this.current = null;
        this.events.push(`lost ${(error as { code?: string }).code}`);
      },
    });
  }

  owned(): number[] {
    return (this.current?.partitions ?? []).map(({ partition }) => partition).sort();
  }

  private assign(members: readonly MemberMetadata[]) {
    this.led++;
    return Promise.resolve(
      new Map(
        members.map(({ memberId, userData }, index) => {
          const mine = Array.from({ length: PARTITIONS }, (_, p) => p).filter(
            (p) => p % members.length === index,
          );
          const partitions = mine.map((partition) => ({ topic, partition }));
          return [
            memberId,
            { partitions, userData: Buffer.concat([Buffer.from('for '), userData]) },
          ] as const;
        }),
      ),
    );
  }
}

const share = (count: number) => (member: TestMember) => member.owned().length === count;
const until = (member: TestMember, holds: (member: TestMember) => boolean) =>
  within(30_000, `${member.events.join()} ${member.owned().join()}`, () => holds(member) || undefined);

describe('group members', () => {
  it('share, rebalance when one joins and when one leaves, and are seen by tools', async () => {
    const groupId = `g-${topic}`;
    const [a, b] = [new TestMember(groupId, null, 'a'), new TestMember(groupId, null, 'b')];
    a.member.start();
    await until(a, share(4));
    expect(a.current?.userData.toString()).toBe('for a');
    const before = a.member.generation()!.generationId;
    b.member.start();
    await until(a, share(2));
    await until(b, share(2));
    expect([...a.owned(), ...b.owned()].sort()).toEqual([0, 1, 2, 3]);
    expect(a.events).toEqual(['assigned', 'revoke', 'assigned']);
    expect(b.member.generation()!.generationId).toBe(a.member.generation()!.generationId);
    expect(a.member.generation()!.generationId).toBeGreaterThan(before);

    const seen = await client.port.describeGroup(groupId);
    expect(seen).toMatchObject({ errorCode: 0, state: 'Stable' });
    const partitions = seen.members.flatMap(({ assignment }) => decodeAssignment(assignment).partitions);
    expect(partitions.map(({ partition }) => partition).sort()).toEqual([0, 1, 2, 3]);

    await b.member.close();
    await until(a, share(4));
    await a.member.close();
    expect((await client.port.describeGroup(groupId)).members).toEqual([]);
    expect((await accepted('DeleteGroups', () => client.port.deleteGroup(groupId))).errorCode).toBe(0);
  });

  it('stay beyond the session time-out by heartbeats alone', async () => {
    const a = new TestMember(`g-${topic}`, null, 'a');
    a.member.start();
    await until(a, share(4));
    await platform.scheduler.sleep(SESSION_MS + 2_000);
    expect(a.events).toEqual(['assigned']);
    await a.member.close();
  });

  it('a static member that restarts gets its assignment back, and nobody else notices', async () => {
    const groupId = `g-${topic}`;
    const [first, other] = [new TestMember(groupId, 'i1', 'x'), new TestMember(groupId, 'i2', 'y')];
    first.member.start();
    await until(first, share(4));
    other.member.start();
    await until(other, share(2));
    await until(first, share(2));
    const owned = first.owned();
    const events = [...other.events];
    await first.member.close({ leave: false });

    const restarted = new TestMember(groupId, 'i1', 'x');
    restarted.member.start();
    await until(restarted, share(2));
    expect(restarted.owned()).toEqual(owned);
    expect(restarted.led).toBe(0);
    await platform.scheduler.sleep(1_000);
    expect(other.events).toEqual(events);

    await restarted.member.close();
    await until(other, share(4));
    await other.member.close();
  });

  it('a second process with the same instance id ends the first with TM1012', async () => {
    const groupId = `g-${topic}`;
    const [old, young] = [new TestMember(groupId, 'i1', 'x'), new TestMember(groupId, 'i1', 'x')];
    old.member.start();
    await until(old, share(4));
    young.member.start();
    await until(old, () => old.member.state() === 'dead');
    expect(old.events.at(-1)).toBe('lost TM1012');
    await until(young, share(4));
    await young.member.close();
  });
});
