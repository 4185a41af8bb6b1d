import { BatchBuilder, finishBatch } from '../../src/kafka/codec/batch-builder';
import type { TxnIdentity } from '../../src/kafka/port';
import { RULE_VERSIONS } from '../exactly-once/matrix';
import { describeWithLocalKafka } from '../judge/local-kafka-missing';
import { waitFor } from '../support/wait';
import { committedOf, countingJob, RuleBench } from './rule-bench';

jest.setTimeout(120_000);

let bench: RuleBench;

/** Somebody else's open transaction, with a commit record of epoch 1000 in it. */
async function openForeign(topic: string, transactionalId: string): Promise<TxnIdentity> {
  const { port, metadata } = bench.client;
  const init = await port.initProducerId({ transactionalId, transactionTimeoutMs: 60_000, current: null });
  const txn = { transactionalId, producerId: init.producerId, producerEpoch: init.producerEpoch };
  const tp = { topic, partition: 0 };
  const [added] = await port.addPartitionsToTxn(txn, [tp]);
  expect(added).toMatchObject({ errorCode: 0 });
  const builder = new BatchBuilder({ maxBatchBytes: 1000 });
  const [key, value] = [Buffer.from([0]), Buffer.from('{"v":1,"epoch":1000}')];
  builder.appendBytes(Date.now(), key, 0, key.length, value, 0, value.length, null);
  const batch = finishBatch(builder.take()[0]!, { ...txn, baseSequence: 0, transactional: true });
  const { nodeId } = await metadata.leaderOf(topic, 0);
  const answer = await port.produce(nodeId, {
    transactionalId,
    acks: -1,
    timeoutMs: 5000,
    partitions: [{ ...tp, batch }],
  });
  expect(answer.partitions[0]).toMatchObject({ errorCode: 0 });
  return txn;
}

describeWithLocalKafka(RULE_VERSIONS).each(RULE_VERSIONS)('on Kafka %s', (version) => {
  beforeAll(async () => {
    bench = await RuleBench.open(version);
  });
  afterAll(() => bench.close());

  describe('B4: a taken-over task is read only when everything below the high watermark is decided', () => {
    it('waits for a foreign open transaction, names it beyond the deadline (TM5003), and goes on when it has ended', async () => {
      const app = 'takeover';
      const topics = await bench.topicsOf(app);
      await bench.judge.produceClicks({ topic: topics.input, count: 1000, users: 10 });
      await bench.toEnd(countingJob(topics), app);
      const foreign = await openForeign(`${app}-by-user-changelog`, 'somebody-else');
      await bench.judge.produceClicks({ topic: topics.input, count: 500, users: 10, seed: 3 });
      // The wait lasts as long as a transaction of ours may, and as long as the coordinator may take to notice.
      const job = await bench.start(countingJob(topics), app, {
        'kafka.transaction-timeout': '1 s',
        'execution.epoch.interval': '50 ms',
      });
      const { fields } = await job.code('TM5003', 40_000);
      expect(String(fields['reason'])).toContain(`producer ${foreign.producerId}`);
      expect(await committedOf(bench, app, topics.input)).toBe(1000);
      await bench.client.port.endTxn(foreign, false);
      await waitFor('1500 clicks', async () =>
        (await committedOf(bench, app, topics.input)) >= 1500 ? true : undefined,
      );
      await job.run.stop();
      await bench.toEnd(countingJob(topics), app);
      expect(await bench.judge.clicks(topics.output, 1500)).toMatchObject({ ok: true, total: 1500 });
    });
  });

  describe('A8: an executor whose transactional id was taken while it was idle', () => {
    it('notices it at its next epoch, proves that it is still a member, and goes on with a new identity', async () => {
      const app = 'expired';
      const topics = await bench.topicsOf(app);
      const job = await bench.start(countingJob(topics), app, { 'execution.epoch.interval': '50 ms' });
      await bench.judge.produceClicks({ topic: topics.input, count: 500, users: 10 });
      await waitFor('500 clicks', async () =>
        (await committedOf(bench, app, topics.input)) >= 500 ? true : undefined,
      );
      // While an epoch of the job is being committed the coordinator puts us off, and nothing is taken.
      await waitFor('the transactional id', async () => {
        const request = { transactionalId: `${app}-one-0`, transactionTimeoutMs: 10_000, current: null };
        return (await bench.client.port.initProducerId(request)).errorCode === 0 ? true : undefined;
      });
      await bench.judge.produceClicks({ topic: topics.input, count: 500, users: 10, seed: 2 });
      await job.code('TM5001');
      await waitFor('1000 clicks', async () =>
        (await committedOf(bench, app, topics.input)) >= 1000 ? true : undefined,
      );
      await job.run.stop();
      await bench.toEnd(countingJob(topics), app);
      expect(await bench.judge.clicks(topics.output, 1000)).toMatchObject({ ok: true, total: 1000 });
    });
  });
});
