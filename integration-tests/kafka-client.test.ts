import { randomUUID } from 'node:crypto';
import { BatchBuilder, finishBatch } from '../src/kafka/codec/batch-builder';
import { RecordCursor } from '../src/kafka/codec/batch-reader';
import { retryUntil } from '../src/kafka/client/backoff';
import { brokerError, connectionError, reactionTo } from '../src/kafka/client/broker-errors';
import type { ClientContext } from '../src/kafka/client/client-context';
import { decodeAssignment } from '../src/kafka/client/consumer-protocol';
import { Fetcher } from '../src/kafka/client/fetcher';
import { GroupMember, type MemberAssignment, type MemberMetadata } from '../src/kafka/client/group-member';
import { readLog } from '../src/kafka/client/log-reader';
import { MetadataCache } from '../src/kafka/client/metadata-cache';
import { earliestOffsets, endOffsets, waitForStable } from '../src/kafka/client/offsets';
import { Pulse } from '../src/kafka/client/pulse';
import { deleteTopics, describeTopics, ensureTopics, topicConfigs } from '../src/kafka/client/topic-admin';
import type { ProducerIdentity, TxnIdentity } from '../src/kafka/port';
import { createKafkaPort } from '../src/kafka/transport/real-kafka-port';
import { obtainKafka, type KafkaHandle } from '../src/provision';
import { string } from '../src/serde';
import { systemPlatform as platform } from '../src/util/system';

jest.setTimeout(90_000);

const NO_PRODUCER: ProducerIdentity = { producerId: -1n, producerEpoch: -1 };
const SESSION_MS = 6_000;
const PARTITIONS = 4;
const text = string();

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

async function produce(
  partition: number,
  values: readonly string[],
  txn: TxnIdentity | null = null,
  sequence = -1,
) {
  const { nodeId } = await client.metadata.leaderOf(topic, partition);
  const builder = new BatchBuilder({ maxBatchBytes: 1_000_000 });
  values.forEach((value, i) => builder.append(1_000 + i, null, null, text, value, null));
  const producer = { ...(txn ?? NO_PRODUCER), baseSequence: sequence, transactional: txn !== null };
  const partitions = builder
    .take()
    .map((sealed) => ({ topic, partition, batch: finishBatch(sealed, producer) }));
  const request = {
    transactionalId: txn?.transactionalId ?? null,
    acks: -1,
    timeoutMs: 10_000,
    partitions,
  } as const;
  await accepted('Produce', async () => {
    const [answer] = (await client.port.produce(nodeId, request)).partitions;
    return answer ?? { errorCode: -1 };
  });
}

async function begin(partition: number): Promise<TxnIdentity> {
  const transactionalId = `client-${randomUUID()}`;
  const request = { transactionalId, transactionTimeoutMs: 30_000, current: null };
  const { producerId, producerEpoch } = await accepted('InitProducerId', () =>
    client.port.initProducerId(request),
  );
  const txn = { transactionalId, producerId, producerEpoch };
  await accepted('AddPartitionsToTxn', async () => {
    const [answer] = await client.port.addPartitionsToTxn(txn, [{ topic, partition }]);
    return answer ?? { errorCode: -1 };
  });
  return txn;
}

const end = (txn: TxnIdentity, committed: boolean) =>
  accepted('EndTxn', () => client.port.endTxn(txn, committed));

async function within<T>(ms: number, what: string, ask: () => T | undefined): Promise<T> {
  for (const deadline = Date.now() + ms; ;) {
    const answer = ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await platform.scheduler.sleep(10);
  }
}

function valuesOf(cursor: RecordCursor): string[] {
  const values: string[] = [];
  while (cursor.next()) values.push(cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd));
  return values;
}

/** Two transactions of one partition that overlap: the first aborts, the second commits. */
async function interleaved(partition: number): Promise<void> {
  await produce(partition, ['plain']);
  const [aborts, commits] = [await begin(partition), await begin(partition)];
  await produce(partition, ['aborted 1'], aborts, 0);
  await produce(partition, ['kept 1'], commits, 0);
  await produce(partition, ['aborted 2'], aborts, 1);
  await produce(partition, ['kept 2'], commits, 1);
  await end(aborts, false);
  await end(commits, true);
  // EndTxn is answered before its markers are written.
  await waitForStable(client, { topic, partition, deadlineMs: 20_000 });
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

describe('reading', () => {
  it('fetches what is committed from several partitions, drains, and goes on', async () => {
    await interleaved(0);
    await produce(1, ['of one']);
    const pulse = new Pulse(platform.scheduler);
    const fetcher = new Fetcher({ ...client, isolation: 'read_committed', onReady: () => pulse.wake() });
    const cursor = new RecordCursor();
    const seen: Record<number, string[]> = { 0: [], 1: [], 2: [] };
    const drain = async () => {
      while (!fetcher.isDrained()) {
        const chunk = fetcher.poll();
        if (chunk === null) {
          await pulse.wait(5_000);
          continue;
        }
        cursor.load(chunk.records, chunk);
        seen[chunk.partition]!.push(...valuesOf(cursor));
        expect(cursor.nextOffset).toBe(chunk.nextOffset);
      }
    };
    for (const partition of [0, 1, 2]) fetcher.add(topic, partition, 0);
    await drain();
    expect(seen).toEqual({ 0: ['plain', 'kept 1', 'kept 2'], 1: ['of one'], 2: [] });
    expect(fetcher.positionOf(topic, 0)).toBe(7);
    expect(fetcher.lag()).toBe(0);

    await produce(2, ['later']);
    const sentAt = Date.now();
    await within(5_000, 'a record behind a drained fetcher', () => {
      const chunk = fetcher.poll();
      if (chunk === null) return undefined;
      cursor.load(chunk.records, chunk);
      return valuesOf(cursor);
    });
    expect(Date.now() - sentAt).toBeLessThan(1_000);

    fetcher.seek(topic, 0, 99);
    const gone = await within(5_000, 'an offset that is not there', () => {
      try {
        fetcher.poll();
        return undefined;
      } catch (error) {
        return error;
      }
    });
    expect(gone).toMatchObject({ code: 'TM4003', message: expect.stringContaining('0 to 7') });
    fetcher.close();
  });

  it('stops at an open transaction, names it, and reads on when it ends', async () => {
    await interleaved(0);
    const open = await begin(0);
    await produce(0, ['in doubt'], open, 0);
    const tp = { topic, partition: 0 };
    expect((await endOffsets(client, [tp], 'read_committed')).get(`${topic}-0`)).toBe(7);
    expect((await endOffsets(client, [tp], 'read_uncommitted')).get(`${topic}-0`)).toBe(8);
    await expect(waitForStable(client, { ...tp, deadlineMs: 300 })).rejects.toMatchObject({
      code: 'TM5003',
      message: expect.stringContaining(`producer ${open.producerId} `),
    });
    const waiting = waitForStable(client, { ...tp, deadlineMs: 20_000 });
    await end(open, true);
    const to = await waiting;
    // The commit marker may have been written when the question was put.
    expect([8, 9]).toContain(to);
    const values: string[] = [];
    const onChunk = (cursor: RecordCursor) => void values.push(...valuesOf(cursor));
    await readLog({ ...client, ...tp, from: 'earliest', to, isolation: 'read_committed', onChunk });
    expect(values).toEqual(['plain', 'kept 1', 'kept 2', 'in doubt']);
  });

  it('reads many chunks in order', async () => {
    const values = Array.from({ length: 4_000 }, (_, i) => `${i}`.padEnd(2_000, '.'));
    for (let i = 0; i < values.length; i += 400) await produce(3, values.slice(i, i + 400));
    const tp = { topic, partition: 3 };
    expect((await earliestOffsets(client, [tp])).get(`${topic}-3`)).toBe(0);
    let chunks = 0;
    const read: string[] = [];
    const onChunk = (cursor: RecordCursor) => {
      chunks++;
      read.push(...valuesOf(cursor));
    };
    await readLog({ ...client, ...tp, from: 10, to: 3_990, isolation: 'read_committed', onChunk });
    expect(read).toEqual(values.slice(10, 3_990));
    expect(chunks).toBeGreaterThan(1);
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
