import type { ProducerIdentity } from '../../../port';
import type { Bench } from '../bench';
import { nameOf, OK } from '../errors';
import type { TestProducer } from '../producer';
import type { TestTopic } from '../topic';

/** Who holds a transactional id, and what becomes of requests of those who held it before. */
export function fencing(bench: Bench): void {
  it('a takeover aborts the open transaction and refuses whatever comes late', async () => {
    const { topic, producer } = await openWithGroup(bench);
    const zombie = producer.zombie();
    const heir = await bench.producer({ transactionalId: producer.transactionalId });
    expect(heir.identity).toEqual({
      producerId: producer.identity.producerId,
      producerEpoch: producer.identity.producerEpoch + 2,
    });
    expect((await zombie.send(topic, ['late'])).error).toBe('INVALID_PRODUCER_EPOCH');
    expect(await zombie.endOnce(true)).toBe('PRODUCER_FENCED');
    expect(await zombie.endOnce(false)).toBe('PRODUCER_FENCED');
    expect(await zombie.addOnce(topic.at())).toBe('PRODUCER_FENCED');
    expect(await zombie.addGroupOnce('any')).toBe('PRODUCER_FENCED');
    await topic.stable();
    expect(await topic.texts()).toEqual([]);
  });

  it('a delayed Produce, EndTxn or TxnOffsetCommit of the old owner does not reach the heir’s transaction', async () => {
    const { topic, producer, groupId } = await openWithGroup(bench);
    const zombie = producer.zombie();
    const heir = await bench.producer({ transactionalId: producer.transactionalId });
    expect(await heir.add(topic.at())).toBe(OK);
    expect(await heir.addGroup(groupId)).toBe(OK);
    expect((await heir.send(topic, ['of the heir'])).error).toBe(OK);
    expect((await zombie.send(topic, ['late'])).error).toBe('INVALID_PRODUCER_EPOCH');
    expect(await zombie.endOnce(false)).toBe('PRODUCER_FENCED');
    const nobody = { groupId, generationId: -1, memberId: '', groupInstanceId: null };
    expect(await zombie.commitOffset(nobody, topic.at(), 99)).toBe('INVALID_PRODUCER_EPOCH');
    expect(await heir.commitOffset(nobody, topic.at(), 1)).toBe(OK);
    expect(await heir.end(true)).toBe(OK);
    await topic.stable();
    expect(await topic.texts()).toEqual(['of the heir']);
  });

  it('without a takeover nobody is fenced: two holders of one identity write into one transaction', async () => {
    const { topic, producer } = await openWithGroup(bench);
    const twin = producer.zombie();
    expect((await twin.send(topic, ['of the twin'])).error).toBe(OK);
    expect(await twin.endOnce(true)).toBe(OK);
    await topic.stable();
    expect(await topic.texts()).toEqual(['open', 'of the twin']);
  });

  it('the own identity raises the epoch by one while nothing is open (KIP-360)', async () => {
    const { topic, producer } = await openWithGroup(bench);
    expect(await producer.endOnce(true)).toBe(OK);
    const zombie = producer.zombie();
    expect(await producer.reinitialise()).toBe(OK);
    const { producerId, producerEpoch } = zombie.identity;
    expect(producer.identity).toEqual({ producerId, producerEpoch: producerEpoch + 1 });
    await producer.write(topic, ['new'], true);
    expect((await zombie.send(topic, ['late'])).error).toBe('INVALID_PRODUCER_EPOCH');
    await topic.stable();
    expect(await topic.texts()).toEqual(['open', 'new']);
  });

  it('the own identity aborts what was open; brokers before 4.0 then no longer know it', async () => {
    const { topic, producer } = await openWithGroup(bench);
    const zombie = producer.zombie();
    expect(await producer.reinitialiseOnce()).toBe('CONCURRENT_TRANSACTIONS');
    // The abort has raised the epoch, and only brokers from 4.0 on remember whose it was before.
    const known = bench.transactionVersion === 2;
    expect(await producer.reinitialise()).toBe(known ? OK : 'PRODUCER_FENCED');
    if (known) {
      // Not by two, as after a takeover: the epoch of the abort becomes the caller's.
      const { producerId, producerEpoch } = zombie.identity;
      expect(producer.identity).toEqual({ producerId, producerEpoch: producerEpoch + 1 });
    }
    expect((await zombie.send(topic, ['late'])).error).toBe('INVALID_PRODUCER_EPOCH');
    await topic.stable();
    expect(await topic.texts()).toEqual([]);
  });

  it('an identity that somebody has taken over is refused', async () => {
    const first = await bench.producer();
    const second = await bench.producer({ transactionalId: first.transactionalId });
    expect(await initialise(bench, first, first.identity)).toBe('PRODUCER_FENCED');
    // The second one is unharmed, the first comes back only without naming itself.
    expect(await initialise(bench, second, second.identity)).toBe(OK);
    expect(await initialise(bench, first, null)).toBe(OK);
  });

  it('the identity of another transactional id is refused', async () => {
    const [one, other] = [await bench.producer(), await bench.producer()];
    expect(await initialise(bench, one, other.identity)).toBe('PRODUCER_FENCED');
  });

  it('two producers with one id take it from each other, and each transaction is one producer’s alone', async () => {
    const topic = await bench.topic();
    const transactionalId = bench.name('txn');
    const kept: string[] = [];
    let last: TestProducer | null = null;
    for (let turn = 0; turn < 6; turn++) {
      const producer = await bench.producer({ transactionalId });
      expect(await producer.add(topic.at())).toBe(OK);
      expect((await producer.send(topic, [`open ${turn}`])).error).toBe(OK);
      if (last !== null) expect(await last.endOnce(true)).toBe('PRODUCER_FENCED');
      if (turn % 2 === 0) {
        expect(await producer.end(true)).toBe(OK);
        kept.push(`open ${turn}`);
      }
      last = producer.zombie();
    }
    await bench.producer({ transactionalId });
    await topic.stable();
    expect(await topic.texts()).toEqual(kept);
  });

  it('is asked to come again while the open transaction is being aborted', async () => {
    const topic = await bench.topic();
    const producer = await bench.producer();
    await producer.add(topic.at());
    await producer.send(topic, ['open']);
    const request = {
      transactionalId: producer.transactionalId,
      transactionTimeoutMs: 60_000,
      current: null,
    };
    expect(nameOf(await bench.port.initProducerId(request))).toBe('CONCURRENT_TRANSACTIONS');
    const answer = await bench.settled(() => bench.port.initProducerId(request), ['CONCURRENT_TRANSACTIONS']);
    expect(nameOf(answer)).toBe(OK);
  });

  it('an id that was never used has no epoch to fence: the first one is 0', async () => {
    expect((await bench.producer()).identity.producerEpoch).toBe(0);
  });

  it('requests with an id that nobody initialised are refused', async () => {
    const producer = await bench.producer();
    const unknown = { ...producer.txn, transactionalId: bench.name('txn') };
    expect(nameOf(await bench.settled(() => bench.port.endTxn(unknown, true)))).toBe(
      'INVALID_PRODUCER_ID_MAPPING',
    );
    const otherId = { ...producer.txn, producerId: producer.txn.producerId + 1_000_000n };
    expect(nameOf(await bench.port.endTxn(otherId, true))).toBe('INVALID_PRODUCER_ID_MAPPING');
  });
}

/** An open transaction with a record and a group in it. */
async function openWithGroup(
  bench: Bench,
): Promise<{ topic: TestTopic; producer: TestProducer; groupId: string }> {
  const topic = await bench.topic();
  const producer = await bench.producer();
  const groupId = bench.name('group');
  expect(await producer.add(topic.at())).toBe(OK);
  expect(await producer.addGroup(groupId)).toBe(OK);
  expect((await producer.send(topic, ['open'])).error).toBe(OK);
  return { topic, producer, groupId };
}

async function initialise(
  bench: Bench,
  producer: TestProducer,
  current: ProducerIdentity | null,
): Promise<string> {
  const request = { transactionalId: producer.transactionalId, transactionTimeoutMs: 60_000, current };
  return nameOf(await bench.settled(() => bench.port.initProducerId(request), ['CONCURRENT_TRANSACTIONS']));
}
