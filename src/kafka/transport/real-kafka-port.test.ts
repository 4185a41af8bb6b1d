import { systemPlatform } from '../../util/system';
import type { KafkaPort, KafkaRequestError } from '../port';
import { FIND_COORDINATOR } from '../protocol/find-coordinator';
import { LIST_OFFSETS } from '../protocol/list-offsets';
import { HEARTBEAT, LEAVE_GROUP } from '../protocol/membership';
import { METADATA } from '../protocol/metadata';
import { END_TXN } from '../protocol/transactions';
import { createKafkaPort } from './real-kafka-port';
import { coordinatorAnswer, errorCodeAnswer, FakeBroker } from './testing/fake-broker';

const GROUP = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null };
const TXN = { transactionalId: 't', producerId: 1n, producerEpoch: 0 };

let broker: FakeBroker;
let port: KafkaPort;
const brokers: FakeBroker[] = [];

async function startBroker(): Promise<FakeBroker> {
  const started = await new FakeBroker().listen();
  brokers.push(started);
  return started;
}

function portTo(...seeds: string[]): KafkaPort {
  return createKafkaPort(
    { brokers: seeds, clientId: 'port-test', connectionTimeoutMs: 2_000 },
    systemPlatform,
  );
}

beforeEach(async () => {
  broker = await startBroker();
  broker.handlers.set(FIND_COORDINATOR.key, ({ reply }) => reply(coordinatorAnswer(1, broker.port)));
  broker.handlers.set(HEARTBEAT.key, ({ reply }) => reply(errorCodeAnswer(0)));
  port = portTo(broker.address);
});

afterEach(async () => {
  await port.close();
  await Promise.all(brokers.splice(0).map((started) => started.stop()));
});

function failureOf(promise: Promise<unknown>): Promise<KafkaRequestError> {
  return promise.then(
    () => Promise.reject(new Error('it went well')),
    (error: unknown) => error as KafkaRequestError,
  );
}

function count(apiKey: number, on = broker): number {
  return on.requests(apiKey).length;
}

describe('finding the cluster', () => {
  it('connects to nothing before the first call', async () => {
    await port.close();
    expect(broker.connections).toBe(0);
  });

  it('asks the seeds in turn, once for all concurrent callers', async () => {
    const gone = await startBroker();
    await gone.stop();
    await port.close();
    port = portTo(gone.address, broker.address);
    const found = await Promise.all([port.metadata([]), port.metadata([])]);
    expect(found.map(({ clusterId }) => clusterId)).toEqual(['fake', 'fake']);
    expect(count(METADATA.key)).toBe(3);
    expect(broker.sockets.size).toBe(1);
  });

  it('names every seed that cannot be reached', async () => {
    await broker.stop();
    const failure = await failureOf(port.metadata([]));
    expect(failure).toMatchObject({ name: 'KafkaRequestError', definite: true });
    expect(failure.message).toContain(`Metadata was not sent to ${broker.address}: connect ECONNREFUSED`);
  });

  it('finds the cluster again when it has moved to other addresses', async () => {
    const moved = await startBroker();
    await port.close();
    port = portTo(broker.address, moved.address);
    await port.metadata([]);
    await broker.stop();
    await port.metadata([]).catch(() => undefined); // may have been written to the old address
    expect((await port.metadata([])).brokers[0]?.port).toBe(moved.port);
  });

  it('refuses a node that the cluster does not have, after one question', async () => {
    await port.metadata([]);
    const before = count(METADATA.key);
    const failure = await failureOf(port.listOffsets(7, 'read_committed', []));
    expect(failure).toMatchObject({ api: 'ListOffsets', definite: true });
    expect(failure.message).toContain('the cluster has no node 7');
    expect(count(METADATA.key)).toBe(before + 1);
  });

  it('finds a node also when the first request of all is for it', async () => {
    broker.offered = { ...broker.offered, [LIST_OFFSETS.key]: [0, 7] };
    broker.handlers.set(LIST_OFFSETS.key, ({ reply }) =>
      reply(Buffer.from('00' + '00000000' + '01' + '00', 'hex')),
    );
    expect(await port.listOffsets(1, 'read_committed', [])).toEqual([]);
  });

  it('refuses addresses that are none', () => {
    expect(() => portTo()).toThrow(RangeError);
    expect(() => portTo('localhost')).toThrow('"localhost" is not a broker address');
    expect(() => portTo('a:0')).toThrow(RangeError);
    expect(() => portTo('a:70000')).toThrow(RangeError);
    expect(() => portTo('::1:9092')).toThrow(RangeError);
    expect(() => portTo('[::1]:9092', 'a.b:1')).not.toThrow();
  });
});

describe('what the cluster offers', () => {
  it.each([
    [{}, 1],
    [{ 'transaction.version': 0 }, 1],
    [{ 'transaction.version': 1 }, 1],
    [{ 'metadata.version': 27, 'transaction.version': 2 }, 2],
    [{ 'transaction.version': 3 }, 2],
  ])('features %j: transaction version %d, asked anew every time', async (features, version) => {
    expect(await port.transactionVersion()).toBe(1);
    broker.features = features;
    expect(await port.transactionVersion()).toBe(version);
  });
});

describe('coordinators', () => {
  it('asks once, also for concurrent callers', async () => {
    await Promise.all([port.heartbeat(GROUP), port.heartbeat(GROUP)]);
    await port.heartbeat(GROUP);
    expect(count(FIND_COORDINATOR.key)).toBe(1);
    expect(count(HEARTBEAT.key)).toBe(3);
  });

  it.each([15, 16])('asks again after error %i, without sending again by itself', async (errorCode) => {
    broker.handlers.set(HEARTBEAT.key, ({ reply }) => reply(errorCodeAnswer(errorCode)));
    expect((await port.heartbeat(GROUP)).errorCode).toBe(errorCode);
    expect(count(HEARTBEAT.key)).toBe(1);
    await port.heartbeat(GROUP);
    expect(count(FIND_COORDINATOR.key)).toBe(2);
  });

  it('keeps the coordinator after any other error', async () => {
    broker.handlers.set(HEARTBEAT.key, ({ reply }) => reply(errorCodeAnswer(27)));
    await port.heartbeat(GROUP);
    await port.heartbeat(GROUP);
    expect(count(FIND_COORDINATOR.key)).toBe(1);
  });

  it('asks again after a lost connection, and never sends twice', async () => {
    broker.handlers.set(END_TXN.key, ({ socket }) => socket.destroy());
    expect(await failureOf(port.endTxn(TXN, true))).toMatchObject({ api: 'EndTxn', definite: false });
    expect(count(END_TXN.key)).toBe(1);
    broker.handlers.set(END_TXN.key, ({ reply }) => reply(errorCodeAnswer(0)));
    expect((await port.endTxn(TXN, true)).errorCode).toBe(0);
    expect(count(FIND_COORDINATOR.key)).toBe(2);
  });

  it('is definite when there is no coordinator, or the question itself is lost', async () => {
    broker.handlers.set(FIND_COORDINATOR.key, ({ reply }) => reply(coordinatorAnswer(-1, -1, 15)));
    const none = await failureOf(port.endTxn(TXN, true));
    expect(none).toMatchObject({ api: 'FindCoordinator', definite: true });
    expect(none.message).toContain('transaction t was not found, COORDINATOR_NOT_AVAILABLE');
    broker.handlers.set(FIND_COORDINATOR.key, ({ socket }) => socket.destroy());
    expect(await failureOf(port.endTxn(TXN, true))).toMatchObject({ api: 'FindCoordinator', definite: true });
    expect(count(END_TXN.key)).toBe(0);
  });

  it('sends heartbeats past a request that the broker sits on', async () => {
    broker.handlers.set(END_TXN.key, () => undefined);
    const stuck = failureOf(port.endTxn(TXN, true));
    while (count(END_TXN.key) === 0) await systemPlatform.scheduler.yield();
    expect((await port.heartbeat(GROUP)).errorCode).toBe(0);
    await port.close();
    expect(await stuck).toMatchObject({ definite: false });
  });
});

describe('closing', () => {
  it('rejects what waits as not sent and what was sent as unknown, and leaves no socket', async () => {
    broker.handlers.set(LEAVE_GROUP.key, () => undefined);
    const sent = failureOf(port.leaveGroup('g', []));
    while (count(LEAVE_GROUP.key) === 0) await systemPlatform.scheduler.yield();
    broker.handlers.delete(18);
    const waiting = failureOf(port.heartbeat(GROUP));
    while (count(18) < 3) await systemPlatform.scheduler.yield();
    await port.close();
    await port.close();
    expect(await sent).toMatchObject({ api: 'LeaveGroup', definite: false });
    expect(await waiting).toMatchObject({ api: 'Heartbeat', definite: true });
    expect(await failureOf(port.heartbeat(GROUP))).toMatchObject({ definite: true });
    while (broker.sockets.size > 0) await systemPlatform.scheduler.yield();
  });

  it('ends a search for the cluster', async () => {
    broker.handlers.delete(18);
    const waiting = failureOf(port.metadata([]));
    while (count(18) === 0) await systemPlatform.scheduler.yield();
    await port.close();
    expect(await waiting).toMatchObject({ definite: true });
  });
});
