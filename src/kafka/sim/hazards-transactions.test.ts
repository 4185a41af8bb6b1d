import {
  add,
  begin,
  closeAll,
  commitOffset,
  fetchAll,
  joinAlone,
  readCommitted,
  settled,
  simBench,
  TOPIC,
  write,
} from './testing/sim-bench';

afterEach(closeAll);

const ERROR = { illegalGeneration: 22, outOfOrder: 45, invalidEpoch: 47, invalidState: 48, fenced: 90 };

describe('the window between the answer to EndTxn and its markers', () => {
  it('hides the records, refuses the next transaction, and lets an ungated Produce join the old one', async () => {
    const { kafka, port } = await simBench({ transactionVersion: 1 });
    const txn = await begin(kafka, port, 'a');
    await add(kafka, port, txn);
    await write(kafka, port, [['k', 'first']], { txn, sequence: 0 });
    kafka.delayMarkers(200);
    expect((await port.endTxn(txn, true)).errorCode).toBe(0);
    expect(await readCommitted(kafka, port)).toEqual([]);
    expect((await port.addPartitionsToTxn(txn, [{ topic: TOPIC, partition: 0 }]))[0]?.errorCode).toBe(51);
    expect((await write(kafka, port, [['k', 'ungated']], { txn, sequence: 1 })).errorCode).toBe(0);

    await add(kafka, port, txn);
    expect((await settled(kafka, () => port.endTxn(txn, false))).errorCode).toBe(0);
    await kafka.platform.advance(500);
    // The second transaction was aborted, and its record is there for good.
    expect(await readCommitted(kafka, port)).toEqual(['0:k=first', '1:k=ungated']);
  });

  it('with version 2 the same Produce is refused: the epoch has risen', async () => {
    const { kafka, port } = await simBench();
    const txn = await begin(kafka, port, 'a', { version: 2 });
    await write(kafka, port, [['k', 'first']], { txn, sequence: 0 });
    kafka.delayMarkers(60);
    const { next } = await port.endTxn(txn, true);
    expect(next).toEqual({ producerId: txn.producerId, producerEpoch: txn.producerEpoch + 1 });
    const gated = write(kafka, port, [['k', 'second']], { txn: { ...txn, ...next! }, sequence: 0 });
    expect((await gated).errorCode).toBe(0);
    expect((await write(kafka, port, [['k', 'late']], { txn, sequence: 1 })).errorCode).toBe(
      ERROR.invalidEpoch,
    );
    expect(await readCommitted(kafka, port)).toEqual(['0:k=first']);
  });

  it('group offsets are unstable as long, in their own time', async () => {
    const { kafka, port } = await simBench();
    const group = await joinAlone(port, 'g');
    const txn = await begin(kafka, port, 'a');
    await settled(kafka, () => port.addOffsetsToTxn(txn, 'g'));
    expect(await commitOffset(kafka, port, txn, group, 5n)).toBe(0);
    kafka.delayMarkers(100);
    expect((await port.endTxn(txn, true)).errorCode).toBe(0);
    const at = [{ topic: TOPIC, partition: 0 }];
    expect((await port.offsetFetch('g', at, true)).offsets[0]).toMatchObject({ errorCode: 88, offset: -1n });
    expect((await port.offsetFetch('g', at, false)).offsets[0]).toMatchObject({ errorCode: 0, offset: -1n });
    await kafka.platform.advance(300);
    expect((await port.offsetFetch('g', at, true)).offsets[0]).toMatchObject({ errorCode: 0, offset: 5n });
  });
});

it('the last stable offset is held partition by partition', async () => {
  const { kafka, port } = await simBench({ partitions: 2 });
  const txn = await begin(kafka, port, 'a');
  await add(kafka, port, txn);
  await write(kafka, port, [['k', 'open']], { txn, sequence: 0 });
  await write(kafka, port, [['k', 'behind']]);
  await write(kafka, port, [['k', 'elsewhere']], { partition: 1 });
  const held = await fetchAll(kafka, port, 'read_committed');
  expect([held.lastStableOffset, held.highWatermark]).toEqual([0n, 2n]);
  expect(await readCommitted(kafka, port, 1)).toEqual(['0:k=elsewhere']);
});

describe('zombies', () => {
  it.each([1, 2] as const)('a delayed EndTxn, version %d', async (version) => {
    const { kafka, port } = await simBench({ transactionVersion: version });
    const owner = kafka.process('owner');
    const doomed = kafka.connect({ clientId: 'owner', process: owner });
    const txn = await begin(kafka, doomed, 'a', { version });
    if (version === 1) await add(kafka, doomed, txn);
    await write(kafka, doomed, [['k', 'one']], { txn, sequence: 0 });
    kafka.setFaults(({ api }) => (api === 'endTxn' ? { kind: 'delay-request', ms: 1_000 } : null));
    void doomed.endTxn(txn, true);
    await kafka.platform.advance(1);
    owner.kill();
    kafka.setFaults(null);
    // Nobody has fenced the dead one: what he has sent commits, a second after his death.
    expect(await readCommitted(kafka, port)).toEqual([]);
    await kafka.platform.advance(1_200);
    expect(await readCommitted(kafka, port)).toEqual(['0:k=one']);
  });

  it('a delayed EndTxn of a dead owner commits offsets a generation later, unless he was fenced', async () => {
    for (const fence of [false, true]) {
      const { kafka, port } = await simBench();
      const owner = kafka.process('owner');
      const doomed = kafka.connect({ clientId: 'owner', process: owner });
      const group = await joinAlone(doomed, 'g');
      const txn = await begin(kafka, doomed, 'a');
      await settled(kafka, () => doomed.addOffsetsToTxn(txn, 'g'));
      expect(await commitOffset(kafka, doomed, txn, group, 100n)).toBe(0);
      kafka.setFaults(({ api }) => (api === 'endTxn' ? { kind: 'delay-request', ms: 20_000 } : null));
      void doomed.endTxn(txn, true);
      await kafka.platform.advance(1);
      owner.kill();
      kafka.setFaults(null);
      await kafka.platform.advance(11_000);
      const heir = await joinAlone(port, 'g');
      expect(heir.generationId).toBeGreaterThan(group.generationId);
      if (fence) await begin(kafka, port, 'a');
      await kafka.platform.advance(11_000);
      const { offsets } = await port.offsetFetch('g', [{ topic: TOPIC, partition: 0 }], true);
      expect(offsets[0]?.offset).toBe(fence ? -1n : 100n);
    }
  });

  it('InitProducerId with a stale identity is refused, but aborts the heir’s open transaction first', async () => {
    const { kafka, port } = await simBench();
    const old = await begin(kafka, port, 'a');
    const heir = await begin(kafka, port, 'a');
    await add(kafka, port, heir);
    await write(kafka, port, [['k', 'v']], { txn: heir, sequence: 0 });
    expect((await begin(kafka, port, 'a', { current: old })).errorCode).toBe(ERROR.fenced);
    expect((await port.endTxn(heir, true)).errorCode).toBe(ERROR.fenced);
    expect(await readCommitted(kafka, port)).toEqual([]);
  });
});

describe('InitProducerId', () => {
  it('without an identity takes over: the foreign transaction is aborted, the epoch rises twice', async () => {
    const { kafka, port } = await simBench();
    const old = await begin(kafka, port, 'a');
    await add(kafka, port, old);
    await write(kafka, port, [['k', 'v']], { txn: old, sequence: 0 });
    const heir = await begin(kafka, port, 'a');
    expect(heir.producerEpoch).toBe(old.producerEpoch + 2);
    expect((await port.endTxn(old, true)).errorCode).toBe(ERROR.fenced);
    expect((await write(kafka, port, [['k', 'late']], { txn: old, sequence: 1 })).errorCode).toBe(
      ERROR.invalidEpoch,
    );
    expect(await readCommitted(kafka, port)).toEqual([]);
  });

  it.each([
    [1, ERROR.fenced],
    [2, 0],
  ] as const)(
    'with the own identity over an open transaction, as brokers of version %d: %d',
    async (version, code) => {
      const { kafka, port } = await simBench({ transactionVersion: version });
      const txn = await begin(kafka, port, 'a');
      await add(kafka, port, txn);
      await write(kafka, port, [['k', 'v']], { txn, sequence: 0 });
      const again = await begin(kafka, port, 'a', { current: txn });
      expect(again.errorCode).toBe(code);
      expect(await readCommitted(kafka, port)).toEqual([]);
    },
  );

  it('repeated with the own identity raises the epoch once (KIP-360), and refuses who was fenced', async () => {
    const { kafka, port } = await simBench();
    const first = await begin(kafka, port, 'a');
    const second = await begin(kafka, port, 'a', { current: first });
    const repeated = await begin(kafka, port, 'a', { current: first });
    expect([second.producerEpoch, repeated.producerEpoch]).toEqual([1, 1]);
    await begin(kafka, port, 'a');
    expect((await begin(kafka, port, 'a', { current: second })).errorCode).toBe(ERROR.fenced);
  });
});

it('a transaction beyond its time-out is aborted by the broker, which raises the epoch', async () => {
  const { kafka, port } = await simBench({ transactionVersion: 1 });
  const txn = await begin(kafka, port, 'a', { timeoutMs: 2_000 });
  await add(kafka, port, txn);
  await write(kafka, port, [['k', 'v']], { txn, sequence: 0 });
  await kafka.platform.advance(12_500); // Kafka looks every ten seconds
  expect((await port.endTxn(txn, true)).errorCode).toBe(ERROR.fenced);
  expect((await write(kafka, port, [['k', 'w']], { txn, sequence: 1 })).errorCode).toBe(ERROR.invalidEpoch);
  const { lastStableOffset, highWatermark } = await fetchAll(kafka, port, 'read_committed');
  expect(lastStableOffset).toBe(highWatermark);
});

it('a batch whose transaction is not verified yet is not overtaken by the next one (KIP-890)', async () => {
  const { kafka, port } = await simBench();
  const txn = await begin(kafka, port, 'a');
  expect((await write(kafka, port, [['k', 'v']], { txn, sequence: 0 })).errorCode).toBe(120);
  await add(kafka, port, txn);
  expect((await write(kafka, port, [['k', 'w']], { txn, sequence: 1 })).errorCode).toBe(ERROR.outOfOrder);
  expect((await write(kafka, port, [['k', 'v']], { txn, sequence: 0 })).errorCode).toBe(0);
});

it('the coordinator’s move in mid-commit: it is committed or not, and a repeated InitProducerId settles it', async () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 12; seed++) {
    const { kafka, port } = await simBench({ seed, brokers: 3, transactionVersion: 2 });
    const txn = await begin(kafka, port, 'a');
    await add(kafka, port, txn);
    await write(kafka, port, [['k', 'v']], { txn, sequence: 0 });
    const end = port.endTxn(txn, true).then(
      ({ errorCode }) => `${errorCode}`,
      () => 'lost',
    );
    await kafka.platform.advance(kafka.platform.random.between(0, 4));
    kafka.moveCoordinator('transaction', 'a');
    const answer = await end;
    expect((await begin(kafka, port, 'a', { current: txn })).errorCode).toBe(0);
    await kafka.platform.advance(200);
    const read = await readCommitted(kafka, port);
    if (answer === '0') expect(read).toEqual(['0:k=v']);
    outcomes.add(`${answer} ${read.length}`);
  }
  expect(outcomes.size).toBeGreaterThan(1);
});
