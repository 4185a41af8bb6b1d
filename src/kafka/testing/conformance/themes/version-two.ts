import { nameOf, OK } from '../errors';
import type { Bench } from '../bench';
import { itIf } from '../it-if';
import { committedOffset, stableOffset } from '../member';
import type { SendOptions, TestProducer } from '../producer';
import type { Sent, TestTopic } from '../topic';

const RACES = 40;
const PARTITIONS = 8;

/** Transaction version 2 (KIP-890): the epoch rises with every end of a transaction, and partitions need no adding. */
export function versionTwo(bench: Bench): void {
  const has2 = bench.transactionVersion === 2;
  const it2 = itIf(has2, 'transaction version 2, which the brokers do not offer');
  const producerOf2 = (): Promise<TestProducer> => bench.producer({ version: 2 });

  it('is offered or not, as the cluster says', async () => {
    expect(await bench.port.transactionVersion()).toBe(bench.transactionVersion);
  });

  it2('adds a partition by the first record, and raises the epoch with each end', async () => {
    const topic = await bench.topic();
    const producer = await producerOf2();
    const first = producer.identity;
    expect((await send(bench, producer, topic, ['one'])).error).toBe(OK);
    expect(await producer.end(true)).toBe(OK);
    const { producerId, producerEpoch } = first;
    expect(producer.identity).toEqual({ producerId, producerEpoch: producerEpoch + 1 });
    expect((await send(bench, producer, topic, ['two'])).error).toBe(OK);
    expect(await producer.end(false)).toBe(OK);
    expect(producer.identity).toEqual({ producerId, producerEpoch: producerEpoch + 2 });
    expect((await send(bench, producer, topic, ['three'])).error).toBe(OK);
    expect(await producer.end(true)).toBe(OK);
    await topic.settledAt(6);
    expect(await topic.texts()).toEqual(['one', 'three']);
  });

  it2('repeats EndTxn without harm, and gives the same next identity', async () => {
    const topic = await bench.topic();
    for (const committed of [true, false]) {
      const producer = await producerOf2();
      await send(bench, producer, topic, [`${committed}`]);
      const again = producer.zombie();
      expect(await producer.endOnce(committed)).toBe(OK);
      expect(await again.end(committed)).toBe(OK);
      expect(again.identity).toEqual(producer.identity);
      await topic.stable();
    }
    expect(await topic.texts()).toEqual(['true']);
  });

  it2('cannot abort what was committed, nor commit what was aborted', async () => {
    for (const committed of [true, false]) {
      const topic = await bench.topic();
      const producer = await producerOf2();
      await send(bench, producer, topic, ['value']);
      const again = producer.zombie();
      expect(await producer.endOnce(committed)).toBe(OK);
      expect(await again.end(!committed)).toBe('INVALID_TXN_STATE');
      await topic.stable();
      expect(await again.end(!committed)).toBe('INVALID_TXN_STATE');
      expect(await topic.texts()).toEqual(committed ? ['value'] : []);
    }
  });

  it2('refuses a delayed EndTxn once the next transaction has begun', async () => {
    const topic = await bench.topic();
    const producer = await producerOf2();
    await send(bench, producer, topic, ['one']);
    const delayed = producer.zombie();
    expect(await producer.end(false)).toBe(OK);
    expect((await send(bench, producer, topic, ['two'])).error).toBe(OK);
    for (const committed of [false, true]) expect(await delayed.endOnce(committed)).toBe('PRODUCER_FENCED');
    expect(await producer.end(true)).toBe(OK);
    await topic.stable();
    expect(await topic.texts()).toEqual(['two']);
  });

  it2('refuses a delayed Produce of the last transaction', async () => {
    const topic = await bench.topic();
    const producer = await producerOf2();
    await send(bench, producer, topic, ['one']);
    const delayed = producer.zombie();
    expect(await producer.end(false)).toBe(OK);
    await topic.stable();
    expect((await delayed.send(topic, ['late'])).error).toBe('INVALID_PRODUCER_EPOCH');
    expect((await send(bench, producer, topic, ['two'])).error).toBe(OK);
    expect((await delayed.send(topic, ['late'])).error).toBe('INVALID_PRODUCER_EPOCH');
    expect(await producer.end(true)).toBe(OK);
    await topic.stable();
    expect(await topic.texts()).toEqual(['two']);
  });

  it2(
    'needs no gate: a record right behind EndTxn never joins the transaction that is being ended',
    async () => {
      const topic = await bench.topic(PARTITIONS);
      const producer = await producerOf2();
      const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
      const committed: string[] = [];
      for (let round = 0; round < RACES; round++) {
        const commits = round % 3 !== 2;
        const sent = await Promise.all(
          partitions.map((partition) => send(bench, producer, topic, [`${round}`], { partition })),
        );
        expect(new Set(sent.map(({ error }) => error))).toEqual(new Set([OK]));
        expect(await producer.end(commits)).toBe(OK);
        if (commits) committed.push(`${round}`);
      }
      for (const partition of partitions) {
        await topic.stable(partition);
        expect(await topic.texts('read_committed', partition)).toEqual(committed);
      }
    },
  );

  it2('aborts a transaction without records, and raises the epoch with it', async () => {
    const producer = await producerOf2();
    const { producerEpoch } = producer.identity;
    expect(await producer.end(false)).toBe(OK);
    expect(producer.identity.producerEpoch).toBe(producerEpoch + 1);
    expect(await producer.end(true)).toBe('INVALID_TXN_STATE');
  });

  it2('adds a group by its first offset', async () => {
    const at = (await bench.topic()).at();
    const member = await bench.member(bench.name('group')).joinAlone();
    const producer = await producerOf2();
    expect(await producer.commitOffset(member.identity, at, 5)).toBe(OK);
    expect(await committedOffset(bench, member.groupId, at)).toBe('UNSTABLE_OFFSET_COMMIT');
    const delayed = producer.zombie();
    expect(await producer.end(true)).toBe(OK);
    expect(await stableOffset(bench, member.groupId, at)).toBe(5);
    expect(await delayed.commitOffset(member.identity, at, 4)).toBe('INVALID_PRODUCER_EPOCH');
    const stale = { ...member.identity, generationId: member.generationId + 1 };
    expect(await producer.commitOffset(stale, at, 6)).toBe('ILLEGAL_GENERATION');
    expect(await producer.end(false)).toBe(OK);
    expect(await stableOffset(bench, member.groupId, at)).toBe(5);
  });

  it2('is taken over as version 1 is: the open transaction is aborted, its holder refused', async () => {
    const topic = await bench.topic();
    const producer = await producerOf2();
    await send(bench, producer, topic, ['open']);
    const zombie = producer.zombie();
    const heir = await bench.producer({ transactionalId: producer.transactionalId, version: 2 });
    expect((await zombie.send(topic, ['late'])).error).toBe('INVALID_PRODUCER_EPOCH');
    expect(await zombie.endOnce(true)).toBe('PRODUCER_FENCED');
    expect((await send(bench, heir, topic, ['of the heir'])).error).toBe(OK);
    expect(await heir.end(true)).toBe(OK);
    await topic.stable();
    expect(await topic.texts()).toEqual(['of the heir']);
  });

  it2('is taken back by its own identity after a commit in doubt, which stays committed', async () => {
    const topic = await bench.topic();
    const producer = await producerOf2();
    await send(bench, producer, topic, ['in doubt']);
    const unanswered = producer.zombie();
    expect(await producer.endOnce(true)).toBe(OK);
    expect(await unanswered.reinitialise()).toBe(OK);
    await topic.stable();
    expect(await topic.texts()).toEqual(['in doubt']);
    // It is the identity that the lost answer would have brought.
    expect(unanswered.identity).toEqual(producer.identity);
    expect((await send(bench, unanswered, topic, ['next'])).error).toBe(OK);
    expect(await unanswered.end(true)).toBe(OK);
    await topic.stable();
    expect(await topic.texts()).toEqual(['in doubt', 'next']);
  });

  it2('refuses a commit that comes only after the own identity was taken back', async () => {
    const topic = await bench.topic();
    const producer = await producerOf2();
    await send(bench, producer, topic, ['in doubt']);
    const delayed = producer.zombie();
    expect(await producer.reinitialise()).toBe(OK);
    expect(await delayed.end(true)).toBe('PRODUCER_FENCED');
    expect((await send(bench, producer, topic, ['next'])).error).toBe(OK);
    expect(await delayed.endOnce(true)).toBe('PRODUCER_FENCED');
    expect((await delayed.send(topic, ['late'])).error).toBe('INVALID_PRODUCER_EPOCH');
    expect(await producer.end(true)).toBe(OK);
    await topic.stable();
    expect(await topic.texts()).toEqual(['next']);
  });

  it2('is ended by its time-out, which raises the epoch', async () => {
    const topic = await bench.topic();
    const producer = await bench.producer({ version: 2, timeoutMs: 1_000 });
    expect((await send(bench, producer, topic, ['too slow'])).error).toBe(OK);
    await topic.stable();
    expect(await topic.texts()).toEqual([]);
    expect((await producer.send(topic, ['later'])).error).toBe('INVALID_PRODUCER_EPOCH');
    // Taken for the repetition of an EndTxn that was decided the other way.
    expect(await producer.end(true)).toBe('INVALID_TXN_STATE');
    expect(await producer.reinitialise()).toBe(OK);
    expect((await send(bench, producer, topic, ['again'])).error).toBe(OK);
    expect(await producer.end(true)).toBe(OK);
    await topic.stable();
    expect(await topic.texts()).toEqual(['again']);
  });

  it2('refuses a sequence that does not begin at 0', async () => {
    const topic = await bench.topic();
    const producer = await producerOf2();
    expect((await send(bench, producer, topic, ['gap'], { baseSequence: 3 })).error).toBe(
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
    );
    expect(nameOf(await topic.fetch())).toBe(OK);
    expect(await producer.end(false)).toBe(OK);
  });
}

/** Produce, repeated while the last transaction's markers are being written. */
async function send(
  bench: Bench,
  producer: TestProducer,
  topic: TestTopic,
  values: readonly string[],
  options: SendOptions = {},
): Promise<Sent> {
  return bench.eventually('a partition that is free', async () => {
    const sent = await producer.send(topic, values, options);
    return sent.error === 'CONCURRENT_TRANSACTIONS' ? undefined : sent;
  });
}
