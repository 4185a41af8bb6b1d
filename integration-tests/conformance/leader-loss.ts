import { TransactionalProducer } from '../../src/epoch/transaction/transactional-producer';
import { isTidemarkError } from '../../src/errors';
import { BatchBuilder, type SealedBatch } from '../../src/kafka/codec/batch-builder';
import type { Bench } from '../../src/kafka/testing/conformance/bench';
import { stableOffset } from '../../src/kafka/testing/conformance/member';
import { txnOffset } from '../../src/kafka/testing/conformance/producer';
import { noFaults } from '../../src/util/fault-points';
import { systemPlatform } from '../../src/util/system';

const PARTITIONS = 6;
const EPOCHS = 60;
const KILLED_AT = 20;
const DEADLINE_MS = 60_000;

/**
 * A library that keeps answers over retries can commit a transaction with a record missing, or with a record twice,
 * when a leader moves in mid-send. Ours sends nothing twice: an epoch that is not clean is dropped and written anew.
 */
export function leaderLoss(bench: Bench): void {
  it('our producer, when leaders move in mid-send, has every epoch once in every partition, and the group where the last one left it', async () => {
    const topic = await bench.topic(PARTITIONS);
    const member = await bench.member(bench.name('group')).joinAlone({ sessionTimeoutMs: DEADLINE_MS });
    const producer = new TransactionalProducer({
      ...bench.client,
      transactionalId: bench.name('txn'),
      transactionTimeoutMs: 30_000,
      fault: noFaults,
    });
    await producer.fence('takeover');
    let dropped = 0;
    const lost = await topic.leader(0);
    let death: Promise<void> | null = null;
    for (let epoch = 0; epoch < EPOCHS;) {
      if (epoch === KILLED_AT) death ??= bench.cluster.killBroker(lost);
      try {
        await producer.commit({
          partitions: Array.from({ length: PARTITIONS }, (_, partition) => ({
            ...topic.at(partition),
            batches: batches(epoch),
          })),
          changelogs: new Set(),
          offsets: [txnOffset(topic.at(0), epoch)],
          group: member.identity,
        });
        epoch++;
      } catch (error) {
        if (!isTidemarkError(error)) throw error;
        dropped++;
        // In doubt: whether it is there is read, as the runtime reads its commit record.
        await untilFenced(producer);
        const committed = await stableOffset(bench, member.groupId, topic.at(0));
        expect([epoch - 1, epoch]).toContain(committed);
        epoch = committed + 1;
      }
    }
    await death;
    await bench.cluster.startBroker(lost);
    expect(dropped).toBeGreaterThan(0);
    topic.forgetLeaders();
    const wanted = Array.from({ length: EPOCHS }, (_, epoch) => [`${epoch} a`, `${epoch} b`]).flat();
    for (let partition = 0; partition < PARTITIONS; partition++) {
      await topic.stable(partition);
      expect(await topic.texts('read_committed', partition)).toEqual(wanted);
    }
    expect(await stableOffset(bench, member.groupId, topic.at(0))).toBe(EPOCHS - 1);
  });
}

/** The coordinator may be away; a fenced own identity is taken back as anybody's. */
async function untilFenced(producer: TransactionalProducer): Promise<void> {
  let how: 'own' | 'takeover' = 'own';
  const { clock, scheduler } = systemPlatform;
  for (const deadline = clock.monotonic() + DEADLINE_MS; ;) {
    try {
      await producer.fence(how);
      return;
    } catch (error) {
      if (!isTidemarkError(error) || clock.monotonic() > deadline) throw error;
      how = 'takeover';
      await scheduler.sleep(20);
    }
  }
}

/** Two records, in a batch each. */
function batches(epoch: number): SealedBatch[] {
  return ['a', 'b'].flatMap((name) => {
    const builder = new BatchBuilder({ maxBatchBytes: 1_000 });
    const value = Buffer.from(`${epoch} ${name}`);
    builder.appendBytes(Date.now(), null, -1, -1, value, 0, value.length, null);
    return builder.take();
  });
}
