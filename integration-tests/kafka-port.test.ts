import { randomUUID } from 'node:crypto';
import {
  EARLIEST,
  LATEST,
  KafkaRequestError,
  type GroupIdentity,
  type Isolation,
  type JoinGroupResponse,
  type KafkaPort,
  type ProducerIdentity,
  type TxnIdentity,
} from '../src/kafka/port';
import { END_TXN } from '../src/kafka/protocol/transactions';
import { Connector } from '../src/kafka/transport/connector';
import { Lane } from '../src/kafka/transport/lane';
import { createKafkaPort } from '../src/kafka/transport/real-kafka-port';
import { obtainKafka, type KafkaHandle } from '../src/provision';
import { systemPlatform } from '../src/util/system';
import {
  BASE_TIME,
  batchOf,
  eventually,
  joinRequest,
  NO_PRODUCER,
  startAnswerCuttingProxy,
  valuesOf,
} from './kafka-port/helpers';

jest.setTimeout(120_000);

const TXN_TIMEOUT_MS = 30_000;

let kafka: KafkaHandle;
let address: string;
let port: KafkaPort;
let leader: number;
let topic: string;

beforeAll(async () => {
  const version = process.env['TIDEMARK_TEST_KAFKA_VERSION'];
  kafka = await obtainKafka(version === undefined ? {} : { version });
  address = kafka.brokers[0] ?? '';
  port = createKafkaPort({ brokers: [address], clientId: 'kafka-port-test' }, systemPlatform);
});

afterAll(async () => {
  await port.close();
  await kafka.stop();
});

beforeEach(async () => {
  topic = `port-${randomUUID()}`;
  leader = await createTopic(topic, 2);
});

afterEach(async () => {
  expect((await port.deleteTopics([topic]))[0]?.errorCode).toBe(0);
});

/** Creates it and waits until its partitions have one leader, which is returned, that knows of them. */
async function createTopic(name: string, partitions: number): Promise<number> {
  const configs = { 'retention.ms': '3600000', 'cleanup.policy': 'delete' };
  const [created] = await port.createTopics([{ topic: name, partitions, replicationFactor: 1, configs }]);
  expect(created).toMatchObject({ topic: name, errorCode: 0 });
  return eventually(async () => {
    const [found] = (await port.metadata([name])).topics;
    const [nodeId = -1, ...others] = new Set(found?.partitions.map((partition) => partition.leader));
    if (nodeId < 0 || others.length > 0 || found?.partitions.length !== partitions) return undefined;
    const queries = found.partitions.map(({ partition }) => ({ topic: name, partition, timestamp: LATEST }));
    const answers = await port.listOffsets(nodeId, 'read_uncommitted', queries);
    return answers.every(({ errorCode }) => errorCode === 0) ? nodeId : undefined;
  });
}

/** Repeats while the broker is busy with the last transaction (51), or there is no coordinator yet. */
async function settled<T extends { readonly errorCode: number }>(ask: () => Promise<T>): Promise<T> {
  return eventually(async () => {
    try {
      const answer = await ask();
      return [14, 15, 16, 51].includes(answer.errorCode) ? undefined : answer;
    } catch (error) {
      if (error instanceof KafkaRequestError && error.api === 'FindCoordinator') return undefined;
      throw error;
    }
  });
}

async function produce(values: readonly string[], txn: TxnIdentity | null = null, baseSequence = -1) {
  const batch = batchOf(values, txn ?? NO_PRODUCER, baseSequence);
  const transactionalId = txn?.transactionalId ?? null;
  const partitions = [{ topic, partition: 0, batch }];
  const answer = await port.produce(leader, { transactionalId, acks: -1, timeoutMs: 10_000, partitions });
  return answer.partitions[0];
}

function fetchFrom(fetchOffset: bigint, isolation: Isolation, maxWaitMs = 50) {
  const partition = { topic, partition: 0, fetchOffset, currentLeaderEpoch: -1, maxBytes: 1_000_000 };
  const limits = { maxWaitMs, minBytes: 1, maxBytes: 10_000_000 };
  return port.fetch(leader, { isolation, ...limits, partitions: [partition] });
}

async function valuesRead(isolation: Isolation): Promise<string[]> {
  const [partition] = (await fetchFrom(0n, isolation)).partitions;
  expect(partition).toMatchObject({ topic, partition: 0, errorCode: 0 });
  return valuesOf(partition);
}

async function begin(transactionalId: string, current: ProducerIdentity | null = null): Promise<TxnIdentity> {
  const request = { transactionalId, transactionTimeoutMs: TXN_TIMEOUT_MS, current };
  const { errorCode, producerId, producerEpoch } = await settled(() => port.initProducerId(request));
  expect(errorCode).toBe(0);
  return { transactionalId, producerId, producerEpoch };
}

/** A transaction with records in partition 0, open. */
async function openTransaction(values: readonly string[]): Promise<TxnIdentity> {
  const txn = await begin(`txn-${randomUUID()}`);
  await addPartition(txn);
  expect((await produce(values, txn, 0))?.errorCode).toBe(0);
  return txn;
}

async function addPartition(txn: TxnIdentity): Promise<void> {
  const added = await settled(async () => {
    const [answer] = await port.addPartitionsToTxn(txn, [{ topic, partition: 0 }]);
    return answer ?? { errorCode: -1 };
  });
  expect(added).toEqual({ topic, partition: 0, errorCode: 0 });
}

/** Joins as the only member and gives itself the assignment. */
async function joinAlone(groupId: string, groupInstanceId: string | null = null): Promise<GroupIdentity> {
  let join = await settled(() => port.joinGroup(joinRequest(groupId, { groupInstanceId })));
  if (join.errorCode === 79) join = await port.joinGroup(joinRequest(groupId, { memberId: join.memberId }));
  expect(join).toMatchObject({ errorCode: 0, leader: join.memberId, protocolName: 'range' });
  expect(join.members).toHaveLength(1);
  const group = { groupId, generationId: join.generationId, memberId: join.memberId, groupInstanceId };
  expect(await sync(group, join, 'mine')).toEqual({ errorCode: 0, assignment: 'mine' });
  return group;
}

async function sync(group: GroupIdentity, join: JoinGroupResponse, assignment: string | null) {
  const given = assignment === null ? [] : [{ memberId: join.memberId, assignment: Buffer.from(assignment) }];
  const request = { ...group, protocolName: join.protocolName ?? '', assignments: given };
  const answer = await port.syncGroup(request);
  return { errorCode: answer.errorCode, assignment: answer.assignment.toString() };
}

function offsetOf(offset: bigint) {
  return { topic, partition: 0, offset, leaderEpoch: -1, metadata: 'note' };
}

/** Adds the group to the transaction and commits an offset in it: the error code. */
async function commitInTxn(txn: TxnIdentity, group: GroupIdentity, offset: bigint): Promise<number> {
  expect((await settled(() => port.addOffsetsToTxn(txn, group.groupId))).errorCode).toBe(0);
  const committed = await settled(async () => {
    const [answer] = await port.txnOffsetCommit(txn, group, [offsetOf(offset)]);
    return answer ?? { errorCode: -1 };
  });
  return committed.errorCode;
}

describe('cluster and topics', () => {
  it('describes brokers and topics', async () => {
    const { brokers, topics, clusterId, controllerId } = await port.metadata([topic]);
    expect(brokers.map(({ nodeId }) => nodeId)).toContain(leader);
    expect(clusterId).not.toBe('');
    expect(brokers.map(({ nodeId }) => nodeId)).toContain(controllerId);
    expect(topics[0]).toMatchObject({ topic, errorCode: 0, isInternal: false });
    expect(topics[0]?.topicId).toMatch(/^[\w-]{22}$/);
    expect(topics[0]?.partitions).toHaveLength(2);
    expect(topics[0]?.partitions[0]).toMatchObject({ errorCode: 0, replicas: [leader], isr: [leader] });
    expect((await port.metadata([])).topics).toEqual([]);
    expect((await port.metadata(null)).topics.map((found) => found.topic)).toContain(topic);
    expect((await port.metadata(['no-such-topic'])).topics[0]).toMatchObject({ errorCode: 3 });
  });

  it('reports topics that cannot be created or deleted', async () => {
    const wanted = { topic, partitions: 1, replicationFactor: 1, configs: {} };
    const [existing] = await port.createTopics([wanted]);
    expect(existing).toMatchObject({ topic, errorCode: 36 });
    expect(existing?.errorMessage).toContain(topic);
    const [valid] = await port.createTopics([{ ...wanted, topic: `${topic}-2` }], { validateOnly: true });
    expect(valid?.errorCode).toBe(0);
    expect((await port.metadata([`${topic}-2`])).topics[0]?.errorCode).toBe(3);
    const [wrong] = await port.createTopics([
      { ...wanted, topic: `${topic}-2`, configs: { 'no.such': 'x' } },
    ]);
    expect(wrong?.errorCode).toBe(40);
    expect((await port.deleteTopics([`${topic}-2`]))[0]?.errorCode).toBe(3);
  });

  it('reads the settings of topics and brokers', async () => {
    const broker = { type: 'broker', name: String(leader) } as const;
    const [ofTopic, ofBroker] = await port.describeConfigs([{ type: 'topic', name: topic }, broker]);
    expect(ofTopic).toMatchObject({ type: 'topic', name: topic, errorCode: 0 });
    expect(ofTopic?.configs.get('retention.ms')).toBe('3600000');
    expect(ofBroker).toMatchObject({ ...broker, errorCode: 0 });
    expect(ofBroker?.configs.get('transaction.max.timeout.ms')).toBe('900000');
    const [missing] = await port.describeConfigs([{ type: 'topic', name: 'no-such-topic' }]);
    expect(missing?.errorCode).toBe(3);
  });
});

describe('records', () => {
  it('produces, finds offsets, fetches, and deletes', async () => {
    expect(await produce(['a', 'b'])).toMatchObject({ errorCode: 0, baseOffset: 0n, logStartOffset: 0n });
    expect(await produce(['c'])).toMatchObject({ errorCode: 0, baseOffset: 2n });
    expect(await valuesRead('read_committed')).toEqual(['a', 'b', 'c']);

    const timestamps = [EARLIEST, BigInt(BASE_TIME) + 1n, LATEST];
    const asked = timestamps.map((timestamp) =>
      port.listOffsets(leader, 'read_uncommitted', [{ topic, partition: 0, timestamp }]),
    );
    const found = (await Promise.all(asked)).map(([answer]) => answer);
    expect(found.map((answer) => answer?.offset)).toEqual([0n, 1n, 3n]);
    expect(found[1]).toMatchObject({ errorCode: 0, timestamp: timestamps[1], leaderEpoch: 0 });

    expect(await port.deleteRecords([{ topic, partition: 0, offset: 2n }], leader)).toEqual([
      { topic, partition: 0, errorCode: 0 },
    ]);
    expect((await fetchFrom(1n, 'read_committed')).partitions[0]).toMatchObject({
      errorCode: 1,
      records: null,
    });
    expect((await fetchFrom(2n, 'read_committed')).partitions[0]).toMatchObject({ logStartOffset: 2n });
  });

  it('keeps the order of produce calls, also across batches that are not copied', async () => {
    const values = Array.from({ length: 40 }, (_, i) => String(i).padEnd(i % 2 === 0 ? 10 : 9_000, '.'));
    const sent = await Promise.all(values.map((value) => produce([value])));
    expect(sent.map((answer) => answer?.baseOffset)).toEqual(values.map((_, i) => BigInt(i)));
    expect(await valuesRead('read_committed')).toEqual(values);
  });

  it('writes without an acknowledgement', async () => {
    const partitions = [{ topic, partition: 0, batch: batchOf(['quiet']) }];
    const request = { transactionalId: null, acks: 0, timeoutMs: 1_000, partitions } as const;
    expect((await port.produce(leader, request)).partitions[0]).toMatchObject({
      errorCode: 0,
      baseOffset: -1n,
    });
    const values = await eventually(async () => {
      const read = await valuesRead('read_committed');
      return read.length > 0 ? read : undefined;
    });
    expect(values).toEqual(['quiet']);
  });

  it('lets nothing wait behind a long poll', async () => {
    const poll = fetchFrom(0n, 'read_committed', 20_000);
    await fetchFrom(0n, 'read_committed', 0);
    expect((await produce(['wake']))?.errorCode).toBe(0);
    expect((await poll).partitions[0]?.records).not.toBeNull();
  });

  it('answers per partition about what is not there', async () => {
    const partitions = [{ topic, partition: 9, batch: batchOf(['x']) }];
    const request = { transactionalId: null, acks: -1, timeoutMs: 1_000, partitions } as const;
    expect((await port.produce(leader, request)).partitions[0]).toMatchObject({ partition: 9, errorCode: 3 });
  });
});

describe('transactions', () => {
  it('shows a committed transaction and hides an aborted one', async () => {
    const txn = await openTransaction(['kept']);
    expect(await valuesRead('read_committed')).toEqual([]);
    expect(await valuesRead('read_uncommitted')).toEqual(['kept']);
    expect((await port.endTxn(txn, true)).errorCode).toBe(0);
    expect((await settled(() => port.endTxn(txn, true))).errorCode).toBe(0);

    const next = await openTransaction(['dropped']);
    expect((await port.endTxn(next, false)).errorCode).toBe(0);
    const stable = await eventually(async () => {
      const [partition] = (await fetchFrom(0n, 'read_committed')).partitions;
      return partition?.lastStableOffset === 4n ? partition : undefined;
    });
    expect(stable.highWatermark).toBe(4n);
    expect(stable.abortedTransactions).toEqual([{ producerId: next.producerId, firstOffset: 2n }]);
    expect(await valuesRead('read_committed')).toEqual(['kept']);
    expect((await fetchFrom(0n, 'read_uncommitted')).partitions[0]?.abortedTransactions).toBeNull();
  });

  it('fences the old owner when another one takes over, and aborts his transaction', async () => {
    const zombie = await openTransaction(['of the zombie']);
    const heir = await begin(zombie.transactionalId);
    expect(heir.producerEpoch).toBeGreaterThan(zombie.producerEpoch);
    expect([47, 90]).toContain((await port.endTxn(zombie, true)).errorCode);
    const [refused] = await port.addPartitionsToTxn(zombie, [{ topic, partition: 0 }]);
    expect([47, 90]).toContain(refused?.errorCode);
    expect([47, 90]).toContain((await produce(['late'], zombie, 1))?.errorCode);
    expect(await valuesRead('read_committed')).toEqual([]);

    const again = await begin(heir.transactionalId, heir);
    expect(again.producerEpoch).toBe(heir.producerEpoch + 1);
    const stale = { transactionalId: heir.transactionalId, transactionTimeoutMs: TXN_TIMEOUT_MS };
    const { errorCode } = await settled(() => port.initProducerId({ ...stale, current: zombie }));
    expect([47, 90]).toContain(errorCode);
  });

  it('gives out ids for producers without transactions', async () => {
    const request = { transactionalId: null, transactionTimeoutMs: 60_000, current: null };
    const producer = await port.initProducerId(request);
    expect(producer).toMatchObject({ errorCode: 0, producerEpoch: 0 });
    const refused = await port.initProducerId({
      ...request,
      transactionalId: `t-${topic}`,
      transactionTimeoutMs: 1e9,
    });
    expect(refused.errorCode).toBe(50);
  });
});

describe('groups', () => {
  it('commits offsets in a transaction, fenced by generation and member', async () => {
    const group = await joinAlone(`group-${topic}`);
    const partitions = [{ topic, partition: 0 }];
    const first = await openTransaction(['x']);
    expect(await commitInTxn(first, group, 5n)).toBe(0);
    const open = await port.offsetFetch(group.groupId, partitions, true);
    expect([open.errorCode, open.offsets[0]?.errorCode]).toContain(88);
    const unstable = await port.offsetFetch(group.groupId, partitions, false);
    expect(unstable.offsets).toEqual([{ topic, partition: 0, errorCode: 0, offset: -1n, metadata: '' }]);
    expect((await port.endTxn(first, true)).errorCode).toBe(0);
    const stable = await eventually(async () => {
      const answer = await port.offsetFetch(group.groupId, null, true);
      return answer.offsets[0]?.errorCode === 0 ? answer.offsets : undefined;
    });
    expect(stable).toEqual([{ topic, partition: 0, errorCode: 0, offset: 5n, metadata: 'note' }]);

    const wrong = await openTransaction(['y']);
    expect(await commitInTxn(wrong, { ...group, generationId: group.generationId + 1 }, 6n)).toBe(22);
    expect(await commitInTxn(wrong, { ...group, memberId: 'nobody' }, 6n)).toBe(25);
    expect((await port.endTxn(wrong, false)).errorCode).toBe(0);
    await leave(group);
  });

  it('commits and deletes offsets without a transaction', async () => {
    const group = await joinAlone(`group-${topic}`);
    expect(await port.offsetCommit(group, [offsetOf(7n)])).toEqual([{ topic, partition: 0, errorCode: 0 }]);
    const stale = { ...group, generationId: group.generationId + 1 };
    expect((await port.offsetCommit(stale, [offsetOf(8n)]))[0]?.errorCode).toBe(22);
    expect((await port.offsetFetch(group.groupId, null, true)).offsets[0]?.offset).toBe(7n);
    await leave(group);
    expect(await port.deleteOffsets(group.groupId, [{ topic, partition: 0 }])).toMatchObject({
      errorCode: 0,
    });
    expect((await port.offsetFetch(group.groupId, null, true)).offsets).toEqual([]);
  });

  it('describes a group through its life', async () => {
    const group = await joinAlone(`group-${topic}`);
    expect((await port.heartbeat(group)).errorCode).toBe(0);
    expect((await port.heartbeat({ ...group, memberId: 'nobody' })).errorCode).toBe(25);
    const described = await port.describeGroup(group.groupId);
    expect(described).toMatchObject({ groupId: group.groupId, errorCode: 0, state: 'Stable' });
    expect(described.members).toHaveLength(1);
    expect(described.members[0]).toMatchObject({ memberId: group.memberId, clientId: 'kafka-port-test' });
    expect(described.members[0]?.assignment.toString()).toBe('mine');
    expect((await port.deleteGroup(group.groupId)).errorCode).toBe(68);
    await leave(group);
    expect((await port.describeGroup(group.groupId)).state).toBe('Empty');
    expect((await port.deleteGroup(group.groupId)).errorCode).toBe(0);
    expect((await port.leaveGroup(group.groupId, [group])).errorCode).not.toBe(0);
  });

  it('rebalances two members that share the port, each JoinGroup on a connection of its own', async () => {
    const first = await joinAlone(`group-${topic}`);
    const asked = await port.joinGroup(joinRequest(first.groupId));
    const second = port.joinGroup(joinRequest(first.groupId, { memberId: asked.memberId }));
    await eventually(async () => ((await port.heartbeat(first)).errorCode === 27 ? true : undefined));
    const rejoined = await port.joinGroup(joinRequest(first.groupId, { memberId: first.memberId }));
    expect(rejoined.members).toHaveLength(2);
    const follower = await second;
    expect(follower).toMatchObject({ errorCode: 0, leader: first.memberId, members: [] });
    const groupOf = (join: JoinGroupResponse) => ({ ...first, ...join, groupInstanceId: null });
    const waiting = sync(groupOf(follower), follower, null);
    expect(await sync(groupOf(rejoined), rejoined, 'all')).toEqual({ errorCode: 0, assignment: 'all' });
    expect(await waiting).toEqual({ errorCode: 0, assignment: '' });
    await leave(groupOf(rejoined));
    await leave(groupOf(follower));
  });

  it('lets a static leader come back without a rebalance, and fences who has his name', async () => {
    const groupId = `group-${topic}`;
    const before = await joinAlone(groupId, 'instance-1');
    const back = await port.joinGroup(joinRequest(groupId, { groupInstanceId: 'instance-1' }));
    expect(back).toMatchObject({ errorCode: 0, generationId: before.generationId, skipAssignment: true });
    expect(back.leader).toBe(back.memberId);
    expect(back.memberId).not.toBe(before.memberId);
    const now = { ...before, memberId: back.memberId };
    expect(await sync(now, back, null)).toEqual({ errorCode: 0, assignment: 'mine' });
    expect((await port.heartbeat(before)).errorCode).toBe(82);
    expect((await port.heartbeat(now)).errorCode).toBe(0);
    await leave(now);
  });

  async function leave({ groupId, memberId, groupInstanceId }: GroupIdentity): Promise<void> {
    expect((await port.leaveGroup(groupId, [{ memberId, groupInstanceId }])).errorCode).toBe(0);
  }
});

describe('a connection that is lost', () => {
  it('leaves the outcome of a sent EndTxn unknown, and that of an unsent one certain', async () => {
    const txn = await openTransaction(['committed in doubt']);
    const proxy = await startAnswerCuttingProxy(address);
    const connector = new Connector({ brokers: [], clientId: 'in-doubt' }, systemPlatform);
    const lane = new Lane({
      ...{ clientId: 'in-doubt', name: 'proxy', platform: systemPlatform },
      connect: (onFailure) => connector.connect({ host: '127.0.0.1', port: proxy.port }, onFailure),
    });
    expect(
      (await lane.send(END_TXN, { txn: { ...txn, producerEpoch: 99 }, committed: true }, 5_000)).errorCode,
    ).not.toBe(0);
    proxy.cutAtNextAnswer();
    const sent = lane.send(END_TXN, { txn, committed: true }, 5_000);
    await expect(sent).rejects.toMatchObject({ name: 'KafkaRequestError', api: 'EndTxn', definite: false });
    await proxy.stop();
    const unsent = lane.send(END_TXN, { txn, committed: true }, 5_000);
    await expect(unsent).rejects.toMatchObject({ name: 'KafkaRequestError', api: 'EndTxn', definite: true });
    await connector.close(new Error('done'));

    expect((await settled(() => port.endTxn(txn, true))).errorCode).toBe(0);
    expect(await valuesRead('read_committed')).toEqual(['committed in doubt']);
  });

  it('rejects everything after close, and closes twice', async () => {
    const other = createKafkaPort({ brokers: [address], clientId: 'closing' }, systemPlatform);
    await other.metadata([]);
    const poll = other.fetch(leader, {
      ...{ isolation: 'read_committed', maxWaitMs: 30_000, minBytes: 1, maxBytes: 1_000 },
      partitions: [{ topic, partition: 0, fetchOffset: 0n, currentLeaderEpoch: -1, maxBytes: 1_000 }],
    });
    const ended = expect(poll).rejects.toMatchObject({ api: 'Fetch' });
    await Promise.all([other.close(), other.close()]);
    await ended;
    await expect(other.metadata([])).rejects.toMatchObject({ definite: true });
  });
});
