import { TransactionalProducer } from '../../src/epoch/transaction/transactional-producer';
import { isTidemarkError } from '../../src/errors';
import { readLog } from '../../src/kafka/client/log-reader';
import { waitForStable } from '../../src/kafka/client/offsets';
import { BatchBuilder, finishBatch } from '../../src/kafka/codec/batch-builder';
import { KafkaRequestError, type KafkaPort, type TxnIdentity } from '../../src/kafka/port';
import { noFaults } from '../../src/util/fault-points';
import { systemPlatform } from '../../src/util/system';
import { createTopics } from '../support/kafka-client';
import { RuleBench } from './rule-bench';

jest.setTimeout(120_000);

const PARTITIONS = 8;
let bench: RuleBench;
beforeAll(async () => {
  bench = await RuleBench.open();
});
afterAll(() => bench.close());

function batchOf(value: string) {
  const builder = new BatchBuilder({ maxBatchBytes: 1000 });
  const bytes = Buffer.from(value);
  builder.appendBytes(Date.now(), null, -1, -1, bytes, 0, bytes.length, null);
  return builder.take();
}

async function visible(topic: string, partition: number): Promise<string[]> {
  const values: string[] = [];
  const to = await waitForStable(bench.client, { topic, partition, deadlineMs: 60_000 });
  await readLog({
    ...bench.client,
    topic,
    partition,
    from: 'earliest',
    to,
    isolation: 'read_committed',
    onChunk: (cursor) => {
      while (cursor.next()) values.push(cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd));
    },
  });
  return values;
}

/** Asks again while the coordinator writes markers or moves. */
async function untilClean(ask: () => Promise<number>): Promise<void> {
  const COORDINATOR_NOT_AVAILABLE = 15;
  const askOnce = () =>
    ask().catch((error: unknown) => {
      if (error instanceof KafkaRequestError && error.definite) return COORDINATOR_NOT_AVAILABLE;
      throw error;
    });
  for (let code = await askOnce(); code !== 0; code = await askOnce()) {
    if (![14, COORDINATOR_NOT_AVAILABLE, 16, 51].includes(code)) throw new Error(`error ${code}`);
    await systemPlatform.scheduler.sleep(1);
  }
}

describe('A1: an early Produce joins the transaction that is being ended', () => {
  /**
   * Commits one transaction and sends a record of the next one at once, without AddPartitionsToTxn; then aborts the
   * next one. @returns whether the early record, which belongs to an aborted epoch, stayed visible
   */
  async function hazard(topic: string): Promise<boolean> {
    const { port, metadata } = bench.client;
    const transactionalId = `${topic}-id`;
    let identity: TxnIdentity | null = null;
    await untilClean(async () => {
      const answer = await port.initProducerId({
        transactionalId,
        transactionTimeoutMs: 10_000,
        current: null,
      });
      identity = { transactionalId, producerId: answer.producerId, producerEpoch: answer.producerEpoch };
      return answer.errorCode;
    });
    const txn = identity!;
    const all = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }));
    const add = () =>
      untilClean(
        async () => (await port.addPartitionsToTxn(txn, all)).find((p) => p.errorCode !== 0)?.errorCode ?? 0,
      );
    const { nodeId } = await metadata.leaderOf(topic, 0);
    const produce = async (value: string, baseSequence: number): Promise<number> => {
      const partitions = all.map((tp) => ({
        ...tp,
        batch: finishBatch(batchOf(value)[0]!, { ...txn, baseSequence, transactional: true }),
      }));
      const answer = await port.produce(nodeId, { transactionalId, acks: -1, timeoutMs: 5000, partitions });
      return answer.partitions.filter(({ errorCode }) => errorCode === 0).length;
    };
    await add();
    await produce('first', 0);
    expect((await port.endTxn(txn, true)).errorCode).toBe(0);
    const early = await produce('early', 1);
    await add();
    await port.endTxn(txn, false);
    if (early === 0) return false;
    const seen = await Promise.all(all.map(({ partition }) => visible(topic, partition)));
    return seen.some((values) => values.includes('early'));
  }

  it('without the gate a record of an aborted epoch stays visible (why the rule exists)', async () => {
    for (let attempt = 0; attempt < 60; attempt++) {
      const topic = `hazard-${attempt}`;
      await createTopics(bench.client, [topic], PARTITIONS);
      if (await hazard(topic)) return;
    }
    throw new Error('the hazard did not show in 60 attempts: the brokers may have closed the gap');
  });

  it('our producer never lets one through, over 200 epochs of which some are aborted', async () => {
    const topic = 'gated';
    await createTopics(bench.client, [topic], PARTITIONS);
    let abortNext = false;
    const port = withoutGroup(bench.client.port, () => abortNext);
    const producer = new TransactionalProducer({
      port,
      metadata: bench.client.metadata,
      platform: systemPlatform,
      transactionalId: 'gated-id',
      transactionTimeoutMs: 30_000,
      fault: noFaults,
    });
    await producer.fence('takeover');
    const committed: string[] = [];
    for (let epoch = 0; epoch < 200; epoch++) {
      abortNext = epoch % 4 === 3;
      const value = `epoch ${epoch}`;
      const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({
        topic,
        partition,
        batches: batchOf(value),
      }));
      const group = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null };
      try {
        await producer.commit({ partitions, changelogs: new Set(), offsets: [], group });
        committed.push(value);
      } catch (error) {
        // A topic that was just made may still be without a leader: that epoch is aborted as well.
        if (!isTidemarkError(error) || error.reaction !== 'abort-epoch') throw error;
        await producer.fence('own');
      }
    }
    expect(committed.length).toBeGreaterThan(140);
    expect(committed.length).toBeLessThanOrEqual(150);
    for (let partition = 0; partition < PARTITIONS; partition++) {
      expect(await visible(topic, partition)).toEqual(committed);
    }
  });
});

/** The transaction has no offsets; the place of TxnOffsetCommit is where epochs are made to fail. */
function withoutGroup(port: KafkaPort, aborts: () => boolean): KafkaPort {
  const replaced: Partial<KafkaPort> = {
    addOffsetsToTxn: () => Promise.resolve({ errorCode: 0 }),
    txnOffsetCommit: () =>
      aborts()
        ? Promise.reject(new KafkaRequestError('TxnOffsetCommit', 'lost', false))
        : Promise.resolve([]),
  };
  return new Proxy(port, {
    get: (target, name: keyof KafkaPort) => replaced[name] ?? target[name].bind(target),
  });
}
