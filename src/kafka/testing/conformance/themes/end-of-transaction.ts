import type { Bench } from '../bench';
import { nameOf, OK } from '../errors';
import type { TestProducer } from '../producer';
import type { TestTopic } from '../topic';

/** How often a race is run that a broker may win or lose. */
const ATTEMPTS = 60;
const GATED_ROUNDS = 30;
/** Markers of more partitions take longer, which is when the next transaction may meet them. */
const PARTITIONS = 8;

/**
 * EndTxn of transaction version 1 is answered when the decision is in the coordinator's log. The markers follow, and
 * until they are written the last transaction and the next one have the same producer id and epoch (PROTOCOL A1).
 */
export function endOfTransaction(bench: Bench): void {
  it('repeats a commit without harm', async () => {
    const { topic, producer } = await open(bench);
    expect(await producer.endOnce(true)).toBe(OK);
    expect(await producer.end(true)).toBe(OK);
    await topic.stable();
    expect(await producer.end(true)).toBe(OK);
    expect(await topic.texts()).toEqual(['value']);
    await topic.settledAt(2);
  });

  it('repeats an abort without harm', async () => {
    const { topic, producer } = await open(bench);
    expect(await producer.endOnce(false)).toBe(OK);
    await topic.stable();
    expect(await producer.end(false)).toBe(OK);
    expect(await topic.texts()).toEqual([]);
  });

  it('cannot abort what was committed, nor commit what was aborted', async () => {
    for (const committed of [true, false]) {
      const { topic, producer } = await open(bench);
      expect(await producer.endOnce(committed)).toBe(OK);
      expect(await producer.end(!committed)).toBe('INVALID_TXN_STATE');
      await topic.stable();
      expect(await producer.end(!committed)).toBe('INVALID_TXN_STATE');
      expect(await topic.texts()).toEqual(committed ? ['value'] : []);
    }
  });

  it('holds off the next transaction while the last one’s markers are being written: CONCURRENT_TRANSACTIONS', async () => {
    const topic = await bench.topic(PARTITIONS);
    const producer = await bench.producer();
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      await fill(producer, topic, 'value');
      expect(await producer.end(true)).toBe(OK);
      if ((await producer.addOnce(topic.at())) === 'CONCURRENT_TRANSACTIONS') return;
      expect(await producer.end(false)).toBe(OK);
    }
    throw new Error(`the markers were always there first, in ${ATTEMPTS} attempts`);
  });

  it('hazard: a Produce that did not wait for AddPartitionsToTxn joins the transaction that is being ended', async () => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const topic = await bench.topic(PARTITIONS);
      const producer = await bench.producer();
      await fill(producer, topic, 'first');
      expect(await producer.endOnce(true)).toBe(OK);
      const early = await Promise.all(
        partitions().map((partition) => producer.send(topic, ['early'], { partition })),
      );
      expect(await producer.add(...partitions().map((partition) => topic.at(partition)))).toBe(OK);
      // The early record belongs to this transaction, which aborts.
      expect(await producer.end(false)).toBe(OK);
      const taken = partitions().filter((partition) => early[partition]?.error === OK);
      for (const partition of taken) {
        await topic.stable(partition);
        if ((await topic.texts('read_committed', partition)).includes('early')) return;
      }
    }
    throw new Error(`the hazard did not show in ${ATTEMPTS} attempts: the broker may have closed the gap`);
  });

  it('lets no record of an aborted transaction through when each one waits for AddPartitionsToTxn', async () => {
    const topic = await bench.topic(PARTITIONS);
    const producer = await bench.producer();
    const committed: string[] = [];
    for (let round = 0; round < GATED_ROUNDS; round++) {
      await fill(producer, topic, `${round}`);
      const commits = round % 3 !== 2;
      expect(await producer.end(commits)).toBe(OK);
      if (commits) committed.push(`${round}`);
    }
    for (const partition of partitions()) {
      await topic.stable(partition);
      expect(await topic.texts('read_committed', partition)).toEqual(committed);
    }
  });

  it('hazard: a delayed EndTxn ends the next transaction of the same epoch (KIP-890)', async () => {
    const { topic, producer } = await open(bench);
    const delayed = producer.zombie();
    expect(await producer.end(false)).toBe(OK);
    expect(await producer.add(topic.at())).toBe(OK);
    expect((await producer.send(topic, ['next'])).error).toBe(OK);
    expect(await delayed.endOnce(false)).toBe(OK);
    await topic.stable();
    // The owner believes that its transaction is open.
    expect(await producer.end(true)).toBe('INVALID_TXN_STATE');
    expect(await topic.texts()).toEqual([]);
  });

  it('hazard: a delayed Produce lands in the next transaction of the same epoch (KIP-890)', async () => {
    const { topic, producer } = await open(bench);
    const delayed = producer.zombie();
    expect(await producer.end(false)).toBe(OK);
    expect(await producer.add(topic.at())).toBe(OK);
    expect((await delayed.send(topic, ['of the aborted one'])).error).toBe(OK);
    expect(await producer.end(true)).toBe(OK);
    await topic.stable();
    expect(await topic.texts()).toEqual(['of the aborted one']);
  });

  it('makes the outcome certain by InitProducerId with the own identity: a commit that was decided stays', async () => {
    const topic = await bench.topic(PARTITIONS);
    const producer = await bench.producer();
    await fill(producer, topic, 'in doubt');
    const request = { transactionalId: producer.transactionalId, transactionTimeoutMs: 60_000 };
    // The answer is not awaited, as if it were lost.
    const lost = producer.endOnce(true);
    await lost;
    const answer = await bench.settled(
      () => bench.port.initProducerId({ ...request, current: producer.identity }),
      ['CONCURRENT_TRANSACTIONS'],
    );
    expect(nameOf(answer)).toBe(OK);
    expect(answer.producerEpoch).toBe(producer.identity.producerEpoch + 1);
    for (const partition of partitions()) {
      // Nothing is left undecided once InitProducerId is answered.
      const { lastStable, highWatermark } = await topic.ends(partition);
      expect(lastStable).toBe(highWatermark);
      expect(await topic.texts('read_committed', partition)).toEqual(['in doubt']);
    }
  });
}

const partitions = (): number[] => Array.from({ length: PARTITIONS }, (_, partition) => partition);

/** A transaction with one record in partition 0. */
async function open(bench: Bench): Promise<{ topic: TestTopic; producer: TestProducer }> {
  const topic = await bench.topic();
  const producer = await bench.producer();
  expect(await producer.add(topic.at())).toBe(OK);
  expect((await producer.send(topic, ['value'])).error).toBe(OK);
  return { topic, producer };
}

/** An open transaction with a record in every partition. */
async function fill(producer: TestProducer, topic: TestTopic, value: string): Promise<void> {
  expect(await producer.add(...partitions().map((partition) => topic.at(partition)))).toBe(OK);
  const sent = await Promise.all(
    partitions().map((partition) => producer.send(topic, [value], { partition })),
  );
  expect(new Set(sent.map(({ error }) => error))).toEqual(new Set([OK]));
}
