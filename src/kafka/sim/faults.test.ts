import type { SimFault } from './faults';
import { add, begin, closeAll, readCommitted, simBench, TOPIC, write } from './testing/sim-bench';

afterEach(closeAll);

const outcome = (promise: Promise<{ readonly errorCode: number }>): Promise<string> =>
  promise.then(
    ({ errorCode }) => `answered ${errorCode}`,
    (error: { name: string; definite: boolean }) =>
      `${error.name} ${error.definite ? 'definite' : 'in doubt'}`,
  );

async function produceWith(fault: SimFault) {
  const { kafka, port, platform } = await simBench();
  await port.metadata(null);
  kafka.setFaults(({ api }) => (api === 'produce' ? fault : null));
  const since = platform.clock.monotonic();
  const told = await outcome(write(kafka, port, [['k', 'v']]));
  const took = platform.clock.monotonic() - since;
  kafka.setFaults(null);
  await platform.advance(10_000);
  return { told, took, records: (await readCommitted(kafka, port)).length };
}

it.each<[SimFault, string, number]>([
  [{ kind: 'request-lost' }, 'KafkaRequestError in doubt', 0],
  [{ kind: 'answer-lost' }, 'KafkaRequestError in doubt', 1],
  [{ kind: 'error', errorCode: 6 }, 'answered 6', 0],
  [{ kind: 'error', errorCode: 7, applied: true }, 'answered 7', 1],
  [{ kind: 'delay-request', ms: 3_000 }, 'answered 0', 1],
  [{ kind: 'delay-answer', ms: 3_000 }, 'answered 0', 1],
])('%j', async (fault, told, records) => {
  expect(await produceWith(fault)).toMatchObject({ told, records });
});

it('silence lasts until the client’s own time-out', async () => {
  const { told, took, records } = await produceWith({ kind: 'request-lost', how: 'silence' });
  expect([told, records]).toEqual(['KafkaRequestError in doubt', 0]);
  expect(took).toBeGreaterThanOrEqual(30_000);
});

it('a request that the client has given up arrives all the same', async () => {
  const { told, records } = await produceWith({ kind: 'delay-request', ms: 35_000 });
  expect([told, records]).toEqual(['KafkaRequestError in doubt', 1]);
});

describe('brokers', () => {
  it('that die leave what was sent in doubt, and take nothing more: that is certain', async () => {
    const { kafka, port, platform } = await simBench();
    await write(kafka, port, [['k', 'v']]);
    const sent = outcome(write(kafka, port, [['k', 'w']]));
    kafka.killBroker(1);
    expect(await sent).toBe('KafkaRequestError in doubt');
    await platform.advance(50);
    expect(await outcome(write(kafka, port, [['k', 'x']]))).toBe('KafkaRequestError definite');
    expect(await outcome(port.metadata([]).then(() => ({ errorCode: 0 })))).toBe(
      'KafkaRequestError definite',
    );
    await kafka.startBroker(1);
    expect((await write(kafka, port, [['k', 'y']])).errorCode).toBe(0);
  });

  it('that die are replaced when their session has run out; nothing acknowledged is lost', async () => {
    const { kafka, port, platform } = await simBench({ brokers: 3 });
    await write(kafka, port, [['k', 'v']]);
    const leader = kafka.leaderOf(TOPIC, 0);
    kafka.killBroker(leader);
    await platform.advance(3_000);
    expect(kafka.leaderOf(TOPIC, 0)).toBe(leader);
    await platform.advance(4_000);
    expect(kafka.leaderOf(TOPIC, 0)).not.toBe(leader);
    expect(await readCommitted(kafka, port)).toEqual(['0:k=v']);
    const { topics } = await port.metadata([TOPIC]);
    expect(topics[0]?.partitions[0]).toMatchObject({ leaderEpoch: 1, errorCode: 0 });
    expect(topics[0]?.partitions[0]?.isr).toHaveLength(2);
    await kafka.startBroker(leader);
    await platform.advance(500);
    expect((await port.metadata([TOPIC])).topics[0]?.partitions[0]?.isr).toHaveLength(3);
  });

  it('below min.insync.replicas refuse acks=all', async () => {
    const { kafka, port } = await simBench({ brokers: 3 });
    const leader = kafka.leaderOf(TOPIC, 0);
    for (const id of [1, 2, 3]) if (id !== leader) kafka.stopBroker(id);
    expect((await write(kafka, port, [['k', 'v']])).errorCode).toBe(19);
  });

  it('that hand their coordination over answer NOT_COORDINATOR, and the next one first loads', async () => {
    const { kafka, port } = await simBench({ brokers: 3 });
    const txn = await begin(kafka, port, 'a');
    kafka.moveCoordinator('transaction', 'a');
    const codes: number[] = [];
    for (let i = 0; i < 40 && codes.at(-1) !== 0; i++) {
      codes.push((await port.addPartitionsToTxn(txn, [{ topic: TOPIC, partition: 0 }]))[0]!.errorCode);
      await kafka.platform.advance(2);
    }
    expect([codes[0], codes.at(-1)]).toEqual([16, 0]);
    expect(codes).toContain(14);
  });
});

it('calls to one node on one lane are processed in their order', async () => {
  const { kafka, port } = await simBench({ seed: 3 });
  const sent = Array.from({ length: 50 }, (_, i) => write(kafka, port, [['k', String(i)]]));
  const offsets = (await Promise.all(sent)).map(({ baseOffset }) => Number(baseOffset));
  expect(offsets).toEqual(Array.from({ length: 50 }, (_, i) => i));
});

it('rejects everything after close, and what is under way', async () => {
  const { kafka, port } = await simBench();
  const other = kafka.connect();
  await other.metadata([]);
  const asked = { topic: TOPIC, partition: 0, fetchOffset: 0n, currentLeaderEpoch: -1, maxBytes: 1 };
  const limits = { isolation: 'read_committed', maxWaitMs: 30_000, minBytes: 1, maxBytes: 1 } as const;
  const poll = other.fetch(1, { ...limits, partitions: [asked] }).then(() => ({ errorCode: 0 }));
  const told = outcome(poll);
  await kafka.platform.advance(100);
  await other.close();
  expect(await told).toBe('KafkaRequestError in doubt');
  expect(await outcome(other.metadata([]).then(() => ({ errorCode: 0 })))).toBe('KafkaRequestError definite');
  await port.metadata([]);
});

it('one seed is one run, another seed another', async () => {
  const run = async (seed: number): Promise<string> => {
    const { kafka, port, platform } = await simBench({ seed, brokers: 3 });
    kafka.setFaultRates({ requestLost: 0.05, answerLost: 0.05, delayRequest: 0.1, error: 0.1 });
    const log: string[] = [];
    for (let i = 0; i < 30; i++) {
      const txn = await begin(kafka, port, 'a').catch(() => null);
      if (txn === null || txn.errorCode !== 0) log.push('no identity');
      else {
        log.push(String(await add(kafka, port, txn).catch(() => 'lost')));
        log.push(await outcome(write(kafka, port, [['k', 'v']], { txn, sequence: 0 })));
        log.push(await outcome(port.endTxn(txn, true)));
      }
      if (i === 15) kafka.moveLeader(TOPIC, 0);
    }
    return JSON.stringify([log, platform.clock.monotonic(), platform.eventCount]);
  };
  const first = await run(5);
  expect(await run(5)).toBe(first);
  expect(await run(6)).not.toBe(first);
});
