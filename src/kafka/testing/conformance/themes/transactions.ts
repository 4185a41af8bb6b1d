import type { Bench } from '../bench';
import { OK } from '../errors';

const BEYOND_EVERY_MAXIMUM_MS = 1_000_000_000;

/** One transaction of version 1, and several at once. */
export function transactions(bench: Bench): void {
  it('shows a committed transaction when it is committed, and not before', async () => {
    const topic = await bench.topic();
    const producer = await bench.producer();
    expect(await producer.add(topic.at())).toBe(OK);
    expect(await producer.send(topic, ['a', 'b'])).toEqual({ error: OK, offset: 0 });
    expect(await topic.ends()).toEqual({ start: 0, lastStable: 0, highWatermark: 2 });
    expect(await topic.texts('read_committed')).toEqual([]);
    expect(await topic.texts('read_uncommitted')).toEqual(['a', 'b']);
    expect(await producer.endOnce(true)).toBe(OK);
    // The marker takes an offset.
    await topic.settledAt(3);
    expect(await topic.texts('read_committed')).toEqual(['a', 'b']);
  });

  it('never shows an aborted transaction to a reader of what is committed', async () => {
    const topic = await bench.topic();
    const producer = await bench.producer();
    await producer.write(topic, ['dropped'], false);
    await producer.write(topic, ['kept'], true);
    await topic.settledAt(4);
    expect(await topic.texts('read_committed')).toEqual(['kept']);
    expect(await topic.texts('read_uncommitted')).toEqual(['dropped', 'kept']);
    const { abortedTransactions } = await topic.fetch();
    expect(abortedTransactions).toEqual([{ producerId: producer.identity.producerId, firstOffset: 0n }]);
    expect((await topic.fetch({ isolation: 'read_uncommitted' })).abortedTransactions).toBeNull();
  });

  it('names an aborted transaction only to fetches that overlap it', async () => {
    const topic = await bench.topic();
    const producer = await bench.producer();
    await producer.write(topic, ['dropped'], false);
    await producer.write(topic, ['kept'], true);
    await topic.stable();
    expect((await topic.fetch({ from: 1 })).abortedTransactions).toHaveLength(1);
    expect((await topic.fetch({ from: 2 })).abortedTransactions ?? []).toEqual([]);
  });

  it('ends in all partitions or in none', async () => {
    const topic = await bench.topic(3);
    const all = [0, 1, 2].map((partition) => topic.at(partition));
    const producer = await bench.producer();
    for (const committed of [false, true]) {
      expect(await producer.add(...all)).toBe(OK);
      for (const { partition } of all) {
        expect((await producer.send(topic, [`${committed}`], { partition })).error).toBe(OK);
      }
      expect(await producer.end(committed)).toBe(OK);
    }
    for (const { partition } of all) {
      await topic.settledAt(4, partition);
      expect(await topic.texts('read_committed', partition)).toEqual(['true']);
    }
  });

  it('holds the last stable offset at the first record of the oldest open transaction, partition by partition', async () => {
    const topic = await bench.topic(2);
    const [older, younger] = [await bench.producer(), await bench.producer()];
    await topic.send(['plain']);
    await older.add(topic.at(0));
    await younger.add(topic.at(0), topic.at(1));
    await older.send(topic, ['older']);
    await younger.send(topic, ['younger']);
    await younger.send(topic, ['younger'], { partition: 1 });
    expect(await younger.end(true)).toBe(OK);
    await topic.settledAt(2, 1);
    await bench.eventually('the marker', async () =>
      (await topic.ends(0)).highWatermark === 4 ? true : undefined,
    );
    expect(await topic.ends(0)).toEqual({ start: 0, lastStable: 1, highWatermark: 4 });
    const { lastStableOffset, highWatermark } = await topic.fetch();
    expect([lastStableOffset, highWatermark]).toEqual([1n, 4n]);
    expect(await topic.texts()).toEqual(['plain']);
    expect(await older.end(true)).toBe(OK);
    await topic.settledAt(5, 0);
    expect(await topic.texts()).toEqual(['plain', 'older', 'younger']);
  });

  it('adds partitions all or none, and names the one that is not there', async () => {
    const topic = await bench.topic();
    const producer = await bench.producer();
    const answers = await bench.port.addPartitionsToTxn(producer.txn, [topic.at(0), topic.at(7)]);
    const codes = new Map(answers.map(({ partition, errorCode }) => [partition, errorCode]));
    // 3 UNKNOWN_TOPIC_OR_PARTITION; 55 OPERATION_NOT_ATTEMPTED: no error of its own, and not added.
    expect([codes.get(7), codes.get(0)]).toEqual([3, 55]);
  });

  it('refuses a record for a partition that is not part of the transaction (KIP-890, verification)', async () => {
    const topic = await bench.topic(2);
    const producer = await bench.producer();
    await producer.add(topic.at(0));
    expect((await producer.send(topic, ['stray'], { partition: 1 })).error).toBe('TRANSACTION_ABORTABLE');
    expect(await topic.ends(1)).toEqual({ start: 0, lastStable: 0, highWatermark: 0 });
    // The transaction itself is unharmed.
    expect((await producer.send(topic, ['meant'])).error).toBe(OK);
    expect(await producer.end(true)).toBe(OK);
    await topic.stable();
    expect(await topic.texts()).toEqual(['meant']);
  });

  it('has nothing to end before anything was added', async () => {
    const producer = await bench.producer();
    expect(await producer.endOnce(true)).toBe('INVALID_TXN_STATE');
    expect(await producer.endOnce(false)).toBe('INVALID_TXN_STATE');
  });

  it('writes a marker to a partition that was added and got no record', async () => {
    const topic = await bench.topic();
    const producer = await bench.producer();
    await producer.add(topic.at());
    expect(await producer.end(true)).toBe(OK);
    await topic.settledAt(1);
    expect(await topic.texts()).toEqual([]);
  });

  it('refuses a transaction time-out above the broker’s maximum', async () => {
    const request = { transactionalId: bench.name('txn'), transactionTimeoutMs: BEYOND_EVERY_MAXIMUM_MS };
    const answer = await bench.settled(() => bench.port.initProducerId({ ...request, current: null }));
    expect(answer.errorCode).toBe(50); // INVALID_TRANSACTION_TIMEOUT
  });

  it('ends a transaction that outlives its time-out, and fences who began it', async () => {
    const topic = await bench.topic();
    const producer = await bench.producer({ timeoutMs: 1_000 });
    await producer.add(topic.at());
    await producer.send(topic, ['too slow']);
    expect((await topic.ends()).lastStable).toBe(0);
    await topic.stable();
    expect(await topic.texts()).toEqual([]);
    expect((await producer.send(topic, ['later'])).error).toBe('INVALID_PRODUCER_EPOCH');
    expect(await producer.endOnce(true)).toBe('PRODUCER_FENCED');
    expect(await producer.addOnce(topic.at())).toBe('PRODUCER_FENCED');
    expect(await producer.reinitialise()).toBe(bench.transactionVersion === 2 ? OK : 'PRODUCER_FENCED');
    const heir = await bench.producer({ transactionalId: producer.transactionalId });
    expect(heir.identity.producerEpoch).toBeGreaterThan(producer.identity.producerEpoch);
  });
}
