import { systemPlatform } from '../../util/system';
import type { Cancel, Platform } from '../../util/ports';
import type { KafkaRequestError, TransactionVersion } from '../port';
import { HEARTBEAT, LEAVE_GROUP } from '../protocol/membership';
import { PRODUCE } from '../protocol/produce';
import { END_TXN, TXN_OFFSET_COMMIT } from '../protocol/transactions';
import { Connector } from './connector';
import { Lane } from './lane';
import { errorCodeAnswer, FakeBroker } from './testing/fake-broker';

/** Time that stands still until it is moved. */
class ManualTime {
  now = 0;
  readonly #due = new Set<{ at: number; fn: () => void }>();
  readonly platform: Platform = {
    ...systemPlatform,
    clock: { now: () => this.now, monotonic: () => this.now },
    scheduler: { ...systemPlatform.scheduler, after: (ms, fn) => this.#after(ms, fn) },
  };

  advance(ms: number): void {
    this.now += ms;
    for (const timer of [...this.#due]) {
      if (timer.at > this.now || !this.#due.delete(timer)) continue;
      timer.fn();
    }
  }

  get armed(): number {
    return this.#due.size;
  }

  #after(ms: number, fn: () => void): Cancel {
    const timer = { at: this.now + ms, fn };
    this.#due.add(timer);
    return () => this.#due.delete(timer);
  }
}

const GROUP = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null };
const TXN = { transactionalId: 't', producerId: 1n, producerEpoch: 0 };
const TIMEOUT_MS = 1_000;

let broker: FakeBroker;
let time: ManualTime;
let connector: Connector;
let lane: Lane;

beforeEach(async () => {
  broker = await new FakeBroker().listen();
  time = new ManualTime();
  connector = new Connector(
    { brokers: [], clientId: 'lane-test', connectionTimeoutMs: 2_000 },
    time.platform,
  );
  lane = laneTo(broker);
});

afterEach(async () => {
  await lane.close(new Error('end of test'));
  await connector.close(new Error('end of test'));
  await broker.stop();
});

function laneTo({ port }: FakeBroker): Lane {
  const address = { host: '127.0.0.1', port };
  const connect = (onFailure: () => void) => connector.connect(address, onFailure);
  return new Lane({ clientId: 'lane-test', platform: time.platform, name: 'the broker', connect });
}

function heartbeat(): Promise<{ readonly errorCode: number }> {
  return lane.send(HEARTBEAT, GROUP, TIMEOUT_MS);
}

function failureOf(promise: Promise<unknown>): Promise<KafkaRequestError> {
  return promise.then(
    () => Promise.reject(new Error('it went well')),
    (error: unknown) => error as KafkaRequestError,
  );
}

function received(apiKey: number, count = 1): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (broker.requests(apiKey).length >= count) resolve();
      else setImmediate(check);
    };
    check();
  });
}

describe('the way of a request', () => {
  it('shares one connection among concurrent requests, and keeps their order', async () => {
    let codes = 0;
    broker.handlers.set(HEARTBEAT.key, ({ reply }) => reply(errorCodeAnswer(codes++)));
    const early = Array.from({ length: 20 }, heartbeat);
    const answers = await Promise.all(early);
    answers.push(...(await Promise.all([heartbeat(), heartbeat()])));
    expect(answers.map(({ errorCode }) => errorCode)).toEqual(Array.from({ length: 22 }, (_, i) => i));
    expect(broker.connections).toBe(1);
    expect(lane.idle).toBe(true);
    expect(time.armed).toBe(0);
  });

  it('arms no timer of its own while nothing is under way', async () => {
    broker.handlers.set(HEARTBEAT.key, ({ reply }) => reply(errorCodeAnswer(0)));
    await heartbeat();
    const timers = [jest.spyOn(globalThis, 'setTimeout'), jest.spyOn(globalThis, 'setInterval')];
    await heartbeat();
    for (const timer of timers) {
      expect(timer).not.toHaveBeenCalled();
      timer.mockRestore();
    }
  });

  it('says that a broker is too old', async () => {
    broker.offered = { ...broker.offered, [LEAVE_GROUP.key]: [0, 2], [END_TXN.key]: [9, 9] };
    const leave = failureOf(lane.send(LEAVE_GROUP, { groupId: 'g', members: [] }, TIMEOUT_MS));
    await expect(leave).resolves.toMatchObject({ code: 'TM2009', reaction: 'usage' });
    expect((await leave).message).toBe('LeaveGroup is needed in version 4 to 5, the broker offers 0 to 2');
    expect((await failureOf(lane.send(END_TXN, { txn: TXN, committed: true }, 1))).message).toContain(
      'the broker offers 9',
    );
  });

  it('uses the highest version that both know', async () => {
    broker.offered = { ...broker.offered, [END_TXN.key]: [0, 2] };
    broker.handlers.set(END_TXN.key, ({ reply }) => reply(Buffer.from('00000000002f', 'hex')));
    const answer = await lane.send(END_TXN, { txn: TXN, committed: true }, TIMEOUT_MS);
    expect(answer.errorCode).toBe(47);
    expect(broker.requests(END_TXN.key)[0]?.version).toBe(2);
  });
});

describe('A1: the transaction version of a producer decides, not what the broker speaks', () => {
  const batch = Buffer.alloc(61);
  const partitions = [{ topic: 't', partition: 0, batch }];
  const speaksAll = {
    [PRODUCE.key]: [0, 13],
    [END_TXN.key]: [0, 5],
    [TXN_OFFSET_COMMIT.key]: [0, 6],
  } as const;

  /** The versions in which Produce, TxnOffsetCommit and EndTxn arrive. */
  async function versionsSent(transactionVersion?: TransactionVersion): Promise<(number | undefined)[]> {
    const version = transactionVersion === undefined ? {} : { transactionVersion };
    const txn = { ...TXN, ...version };
    for (const { key } of [PRODUCE, TXN_OFFSET_COMMIT, END_TXN])
      broker.handlers.set(key, ({ socket }) => socket.destroy());
    const produce = { ...version, transactionalId: 't', acks: -1 as const, timeoutMs: 1, partitions };
    await failureOf(lane.send(PRODUCE, produce, TIMEOUT_MS));
    await failureOf(lane.send(TXN_OFFSET_COMMIT, { txn, group: GROUP, offsets: [] }, TIMEOUT_MS));
    await failureOf(lane.send(END_TXN, { txn, committed: true }, TIMEOUT_MS));
    return [PRODUCE, TXN_OFFSET_COMMIT, END_TXN].map(({ key }) => broker.requests(key)[0]?.version);
  }

  it.each([undefined, 1] as const)('version %s stays below 12, 5 and 5', async (version) => {
    broker.offered = { ...broker.offered, ...speaksAll };
    expect(await versionsSent(version)).toEqual([11, 4, 4]);
  });

  it('version 2 sends 12, 5 and 5', async () => {
    broker.offered = { ...broker.offered, ...speaksAll };
    expect(await versionsSent(2)).toEqual([12, 5, 5]);
  });

  it('version 2 sends nothing to a broker that knows version 1 only', async () => {
    broker.offered = { ...broker.offered, [END_TXN.key]: [0, 4] };
    const sent = failureOf(
      lane.send(END_TXN, { txn: { ...TXN, transactionVersion: 2 }, committed: true }, 1),
    );
    expect((await sent).message).toBe('EndTxn is needed in version 5, the broker offers 0 to 4');
    expect(broker.requests(END_TXN.key)).toEqual([]);
  });
});

describe('failures before anything was written', () => {
  it('is definite when the broker refuses, and tries anew with the next request', async () => {
    await broker.stop();
    const refused = await failureOf(heartbeat());
    expect(refused).toMatchObject({ name: 'KafkaRequestError', api: 'Heartbeat', definite: true });
    expect(refused.message).toContain('ECONNREFUSED');
    broker.handlers.set(HEARTBEAT.key, ({ reply }) => reply(errorCodeAnswer(0)));
    await broker.listen();
    expect((await heartbeat()).errorCode).toBe(0);
  });

  it('is definite when the handshake does not end', async () => {
    broker.handlers.delete(18);
    const sent = failureOf(heartbeat());
    await received(18);
    time.advance(4_000);
    expect(await sent).toMatchObject({ definite: true });
    expect((await sent).message).toContain('did not finish the handshake within 4000 ms');
  });

  it('is definite when something else than Kafka answers', async () => {
    broker.handlers.set(18, ({ socket }) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const sent = await failureOf(heartbeat());
    expect(sent.definite).toBe(true);
    expect(sent.message).toContain('is it a Kafka listener');
  });

  it('is definite for what waits when the lane is closed, and leaves no connection behind', async () => {
    broker.handlers.delete(18);
    const sent = failureOf(heartbeat());
    await received(18);
    await Promise.all([lane.close(new Error('closing')), connector.close(new Error('closing'))]);
    expect(await sent).toMatchObject({ definite: true });
    expect(await failureOf(heartbeat())).toMatchObject({ definite: true });
    expect(time.armed).toBe(0);
    await untilAllSocketsAreClosed();
  });
});

describe('failures after writing', () => {
  it('is not definite when the broker closes the connection, and the next request gets a new one', async () => {
    broker.handlers.set(HEARTBEAT.key, ({ socket }) => socket.end());
    const lost = await failureOf(heartbeat());
    expect(lost).toMatchObject({ api: 'Heartbeat', definite: false });
    expect(lost.message).toContain('the broker closed the connection');
    broker.handlers.set(HEARTBEAT.key, ({ reply }) => reply(errorCodeAnswer(3)));
    expect((await heartbeat()).errorCode).toBe(3);
    expect(broker.connections).toBe(2);
  });

  it('is not definite when the connection is reset', async () => {
    broker.handlers.set(HEARTBEAT.key, ({ socket }) => socket.resetAndDestroy());
    expect((await failureOf(heartbeat())).message).toContain('ECONNRESET');
  });

  it('gives the connection up when an answer is late, with all that is under way on it', async () => {
    const sent = [failureOf(heartbeat())];
    await received(HEARTBEAT.key);
    time.advance(600);
    sent.push(failureOf(heartbeat()));
    await received(HEARTBEAT.key, 2);
    time.advance(400);
    for (const failure of await Promise.all(sent)) {
      expect(failure.definite).toBe(false);
      expect(failure.message).toContain('no answer to Heartbeat within 1000 ms');
    }
    await untilAllSocketsAreClosed();
    broker.handlers.set(HEARTBEAT.key, ({ reply }) => reply(errorCodeAnswer(5)));
    expect((await heartbeat()).errorCode).toBe(5);
    expect(time.armed).toBe(0);
  });

  it('does not count the time for which the broker holds the connection back', async () => {
    broker.handlers.set(HEARTBEAT.key, ({ reply }) => reply(errorCodeAnswer(0, 5_000)));
    await heartbeat();
    broker.handlers.delete(HEARTBEAT.key);
    const held = heartbeat();
    await received(HEARTBEAT.key, 2);
    time.advance(5_900);
    broker.requests(HEARTBEAT.key)[1]?.reply(errorCodeAnswer(7));
    expect((await held).errorCode).toBe(7);
    const late = failureOf(heartbeat());
    await received(HEARTBEAT.key, 3);
    time.advance(1_000);
    expect((await late).definite).toBe(false);
  });

  it('is not definite when the answer cannot be read', async () => {
    broker.handlers.set(HEARTBEAT.key, ({ reply }) => reply(Buffer.from('0011', 'hex')));
    const unread = await failureOf(heartbeat());
    expect(unread.definite).toBe(false);
    expect(unread.message).toContain('the answer to Heartbeat v4 cannot be read');
    await untilAllSocketsAreClosed();
  });

  it('makes a new connection rather than use one that the broker is about to drop for idleness', async () => {
    broker.handlers.set(HEARTBEAT.key, ({ reply }) => reply(errorCodeAnswer(0)));
    await heartbeat();
    time.advance(9 * 60_000);
    await heartbeat();
    expect(broker.connections).toBe(2);
  });
});

describe('SASL sessions that expire', () => {
  const SASL_HANDSHAKE = 17;
  const SASL_AUTHENTICATE = 36;

  it('logs in again without changing the order of requests', async () => {
    const sasl = { mechanism: 'plain', username: 'u', password: 'p' } as const;
    connector = new Connector({ brokers: [], clientId: 'c', sasl }, time.platform);
    lane = laneTo(broker);
    const order: number[] = [];
    broker.handlers.set(SASL_HANDSHAKE, ({ apiKey, reply }) => {
      order.push(apiKey);
      reply(Buffer.from('0000' + '00000001' + '0005' + Buffer.from('PLAIN').toString('hex'), 'hex'));
    });
    broker.handlers.set(SASL_AUTHENTICATE, ({ apiKey, reply }) => {
      order.push(apiKey);
      reply(Buffer.from('0000' + 'ffff' + '00000000' + '0000000000000001', 'hex')); // a session of 1 ms
    });
    broker.handlers.set(HEARTBEAT.key, ({ apiKey, reply }) => {
      order.push(apiKey);
      reply(errorCodeAnswer(order.filter((key) => key === apiKey).length));
    });
    const answers = await Promise.all(Array.from({ length: 5 }, heartbeat));
    expect(answers.map(({ errorCode }) => errorCode)).toEqual([1, 2, 3, 4, 5]);
    expect(order).toEqual([17, 36, 17, 36, 12, 12, 12, 12, 12]);
    expect(broker.connections).toBe(1);
  });

  it('fails what waits when it cannot log in again', async () => {
    const sasl = { mechanism: 'plain', username: 'u', password: 'p' } as const;
    connector = new Connector({ brokers: [], clientId: 'c', sasl }, time.platform);
    lane = laneTo(broker);
    let logins = 0;
    broker.handlers.set(SASL_HANDSHAKE, ({ reply, socket }) => {
      if (++logins > 1) socket.destroy();
      else reply(Buffer.from('0000' + '00000001' + '0005' + Buffer.from('PLAIN').toString('hex'), 'hex'));
    });
    broker.handlers.set(SASL_AUTHENTICATE, ({ reply }) =>
      reply(Buffer.from('0000' + 'ffff' + '00000000' + '0000000000000001', 'hex')),
    );
    for (const failure of await Promise.all([failureOf(heartbeat()), failureOf(heartbeat())])) {
      expect(failure.definite).toBe(true);
    }
    expect(lane.idle).toBe(true);
  });
});

async function untilAllSocketsAreClosed(): Promise<void> {
  while (broker.sockets.size > 0) await systemPlatform.scheduler.yield();
}
