import { LATEST } from '../../../port';
import type { Bench } from '../bench';
import { nameOf, OK, wasNotSent } from '../errors';
import { itIf } from '../it-if';
import { committedOffset, type TestMember } from '../member';
import type { TestTopic } from '../topic';

const LIMIT_MS = 60_000;
const WRITES_BEFORE_LOSS = 5;
const WRITES_AFTER_LOSS = 5;

/** A broker is killed and comes back: what is still there, who leads, and what is refused meanwhile. */
export function brokerLoss(bench: Bench): void {
  const itWithThree = itIf(bench.brokers === 3, 'what takes three brokers, where leaders can move');
  const kill = (nodeId: number): Promise<void> => bench.cluster.killBroker(nodeId);

  /** Starts it and waits until it has caught up with the topic. */
  async function revive(nodeId: number, topic: TestTopic): Promise<void> {
    await bench.cluster.startBroker(nodeId);
    topic.forgetLeaders();
    await bench.eventually(
      'all replicas in sync',
      async () => {
        const [found] = (await bench.port.metadata([topic.name])).topics;
        const isr = found?.partitions.map((partition) => partition.isr.length) ?? [0];
        return isr.every((count) => count === bench.brokers) ? true : undefined;
      },
      LIMIT_MS,
    );
    await bench.eventually('a leader', () => topic.isReady(0), LIMIT_MS);
  }

  it('what was acknowledged is there when the broker is back, and what was open is still open', async () => {
    const topic = await bench.topic();
    const producer = await bench.producer();
    const member = await bench.member(bench.name('group')).joinAlone();
    await topic.send(['acknowledged']);
    expect(await member.commit(topic.at(), 1)).toBe(OK);
    expect(await producer.add(topic.at())).toBe(OK);
    await producer.send(topic, ['open']);
    const nodeId = await topic.leader();
    await kill(nodeId);
    await revive(nodeId, topic);
    expect(await topic.texts()).toEqual(['acknowledged']);
    expect(await topic.texts('read_uncommitted')).toEqual(['acknowledged', 'open']);
    expect(await committedOffset(bench, member.groupId, topic.at())).toBe(1);
    // The group has not noticed either: the same member, the same generation.
    expect(await answered(bench, () => member.heartbeat())).toBe(OK);
    expect((await producer.send(topic, ['as well'])).error).toBe(OK);
    expect(await answered(bench, () => producer.endOnce(true))).toBe(OK);
    await topic.stable();
    expect(await topic.texts()).toEqual(['acknowledged', 'open', 'as well']);
  });

  it('a request to a leader epoch that is past or to come is refused (KIP-320)', async () => {
    const topic = await bench.topic();
    await topic.send(['x']);
    const { leaderEpoch: before } = await partitionOf(bench, topic);
    expect(nameOf(await topic.fetch({ leaderEpoch: before }))).toBe(OK);
    expect(nameOf(await topic.fetch({ leaderEpoch: before + 1 }))).toBe('UNKNOWN_LEADER_EPOCH');
    const nodeId = await topic.leader();
    await kill(nodeId);
    await revive(nodeId, topic);
    const { leaderEpoch: after } = await partitionOf(bench, topic);
    expect(after).toBeGreaterThan(before);
    expect(nameOf(await topic.fetch({ leaderEpoch: before }))).toBe('FENCED_LEADER_EPOCH');
    expect(nameOf(await topic.fetch({ leaderEpoch: after }))).toBe(OK);
  });

  it('a request to a broker that is away was certainly not applied, or in doubt, and says which', async () => {
    const topic = await bench.topic();
    const nodeId = await topic.leader();
    await topic.send(['x']);
    await kill(nodeId);
    const unsent = await topic.send(['y']).catch((error: unknown) => error);
    expect(wasNotSent(unsent)).toBe(true);
    await revive(nodeId, topic);
    expect(await topic.texts()).toEqual(['x']);
  });

  itWithThree('a request to a broker that does not lead is refused', async () => {
    const topic = await bench.topic();
    const leader = await topic.leader();
    const other = [1, 2, 3].find((nodeId) => nodeId !== leader) ?? 0;
    const query = [{ ...topic.at(), timestamp: LATEST }];
    const [answer] = await bench.port.listOffsets(other, 'read_committed', query);
    expect(nameOf(answer)).toBe('NOT_LEADER_OR_FOLLOWER');
    const [gone] = await bench.port.deleteRecords([{ ...topic.at(), offset: 0n }], other);
    expect(nameOf(gone)).toBe('NOT_LEADER_OR_FOLLOWER');
  });

  itWithThree('too few replicas in sync: acks=all is refused, and nothing of it is read', async () => {
    const topic = await bench.topic(1, { 'min.insync.replicas': '3' });
    expect((await topic.send(['x'])).error).toBe(OK);
    const leader = await topic.leader();
    const follower = [1, 2, 3].find((nodeId) => nodeId !== leader) ?? 0;
    await kill(follower);
    await bench.eventually('a smaller in-sync set', async () => {
      const { isr } = await partitionOf(bench, topic);
      return isr.length < 3 ? true : undefined;
    });
    expect((await topic.send(['y'])).error).toBe('NOT_ENOUGH_REPLICAS');
    expect(await topic.texts()).toEqual(['x']);
    await revive(follower, topic);
    expect((await topic.send(['z'])).error).toBe(OK);
    expect(await topic.texts()).toEqual(['x', 'z']);
  });

  itWithThree(
    'right after a leader change ListOffsets is never below what was acknowledged (KIP-207)',
    async () => {
      const topic = await bench.topic();
      const old = await topic.leader();
      let acknowledged = 0;
      for (let i = 0; i < 50; i++) acknowledged = (await topic.send([`${i}`])).offset + 1;
      await kill(old);
      const seen = new Set<string>();
      const query = [{ ...topic.at(), timestamp: LATEST }];
      await bench.eventually(
        'an offset from the new leader',
        async () => {
          const { leader } = await partitionOf(bench, topic);
          if (leader < 0 || leader === old) return undefined;
          const [answer] = await bench.port.listOffsets(leader, 'read_uncommitted', query);
          seen.add(nameOf(answer));
          if (answer?.errorCode !== 0) return undefined;
          expect(Number(answer.offset)).toBeGreaterThanOrEqual(acknowledged);
          return true;
        },
        LIMIT_MS,
      );
      const passing = [
        'NONE',
        'OFFSET_NOT_AVAILABLE',
        'NOT_LEADER_OR_FOLLOWER',
        'UNKNOWN_TOPIC_OR_PARTITION',
      ];
      expect(passing).toEqual(expect.arrayContaining([...seen]));
      await revive(old, topic);
      expect((await topic.texts()).length).toBe(acknowledged);
    },
  );

  itWithThree('the leader dies in mid-send: each transaction is in all partitions or in none', async () => {
    const topic = await bench.topic(3);
    const all = [0, 1, 2].map((partition) => topic.at(partition));
    const transactionalId = bench.name('txn');
    let producer = await bench.producer({ transactionalId });
    const certain: string[] = [];
    const old = await topic.leader();

    /** One transaction over all partitions. @returns whether its end was answered clean */
    async function transaction(value: string, killing: boolean): Promise<boolean> {
      if ((await producer.add(...all)) !== OK) return false;
      const sends = all.map(({ partition }) => producer.send(topic, [value], { partition }));
      const death = killing ? kill(old) : Promise.resolve();
      const sent = await Promise.allSettled(sends);
      await death;
      if (sent.some((one) => one.status === 'rejected' || one.value.error !== OK)) return false;
      return (await producer.endOnce(true)) === OK;
    }

    for (let i = 0; certain.length < WRITES_BEFORE_LOSS + WRITES_AFTER_LOSS; i++) {
      if (i > 500) throw new Error('no transaction gets through after the loss of a broker');
      const done = await transaction(`${i}`, i === WRITES_BEFORE_LOSS).catch(() => false);
      if (done) {
        certain.push(`${i}`);
        continue;
      }
      topic.forgetLeaders();
      producer = await bench.producer({ transactionalId });
      await bench.sleep(50);
    }
    await revive(old, topic);
    const read: (string | null)[][] = [];
    for (const { partition } of all) {
      await topic.stable(partition);
      read.push(await topic.texts('read_committed', partition));
    }
    expect(read[1]).toEqual(read[0]);
    expect(read[2]).toEqual(read[0]);
    // What was in doubt may be there; what was certain is.
    expect(read[0]).toEqual(expect.arrayContaining(certain));
    expect(new Set(read[0]).size).toBe(read[0]?.length);
  });

  itWithThree('a group and its offsets survive the loss of their coordinator', async () => {
    const topic = await bench.topic();
    const members: TestMember[] = [];
    // Some group for each broker: whichever dies, it coordinated one of them.
    for (let i = 0; i < 8; i++) members.push(await bench.member(bench.name('group')).joinAlone());
    for (const member of members) expect(await member.commit(topic.at(), 7)).toBe(OK);
    const lost = await topic.leader();
    await kill(lost);
    for (const member of members) {
      expect(await answered(bench, () => member.heartbeat())).toBe(OK);
      expect(await committedOffset(bench, member.groupId, topic.at())).toBe(7);
    }
    await revive(lost, topic);
  });

  itWithThree('a transaction survives the loss of its coordinator, and can be ended by another', async () => {
    const topic = await bench.topic();
    const producers = [];
    for (let i = 0; i < 8; i++) producers.push(await bench.producer());
    for (const [i, producer] of producers.entries()) {
      expect(await producer.add(topic.at())).toBe(OK);
      expect((await producer.send(topic, [`${i}`])).error).toBe(OK);
    }
    const lost = await topic.leader();
    await kill(lost);
    for (const [i, producer] of producers.entries()) {
      expect(await answered(bench, () => producer.endOnce(i % 2 === 0))).toBe(OK);
    }
    await revive(lost, topic);
    await topic.stable();
    expect(await topic.texts()).toEqual(['0', '2', '4', '6']);
  });
}

async function partitionOf(
  bench: Bench,
  topic: TestTopic,
): Promise<{ readonly leader: number; readonly leaderEpoch: number; readonly isr: readonly number[] }> {
  const [found] = (await bench.port.metadata([topic.name])).topics;
  return found?.partitions[0] ?? { leader: -1, leaderEpoch: -1, isr: [] };
}

/** The answer of a coordinator once one is there; requests that nobody took, or that a move lost, are repeated. */
function answered(bench: Bench, ask: () => Promise<string>): Promise<string> {
  const passing = [
    'COORDINATOR_LOAD_IN_PROGRESS',
    'COORDINATOR_NOT_AVAILABLE',
    'NOT_COORDINATOR',
    'CONCURRENT_TRANSACTIONS',
  ];
  return bench.eventually(
    'a coordinator',
    async () => {
      const answer = await ask().catch(() => 'NOT_COORDINATOR');
      return passing.includes(answer) ? undefined : answer;
    },
    LIMIT_MS,
  );
}
