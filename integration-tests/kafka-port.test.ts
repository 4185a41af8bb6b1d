import { Bench } from '../src/kafka/testing/conformance/bench';
import { OK } from '../src/kafka/testing/conformance/errors';
import { END_TXN } from '../src/kafka/protocol/transactions';
import { Connector } from '../src/kafka/transport/connector';
import { Lane } from '../src/kafka/transport/lane';
import { systemPlatform } from '../src/util/system';
import { openRealCluster, transactionVersionOf } from './conformance/real-cluster';
import { describeWithLocalKafka } from './judge/local-kafka-missing';
import { startAnswerCuttingProxy } from './kafka-port/answer-cutting-proxy';

jest.setTimeout(120_000);

const VERSION = '4.4.0';
const ANSWER_LIMIT_MS = 5_000;

/** What takes a network that fails; everything else that is expected of KafkaPort is in `conformance/`. */
describeWithLocalKafka([VERSION])('a connection that is lost', () => {
  let address = '';
  const bench = new Bench(
    async () => {
      const cluster = await openRealCluster(VERSION, 1);
      address = cluster.kafka.brokers[0] ?? '';
      return cluster;
    },
    1,
    transactionVersionOf(VERSION),
  );
  beforeAll(() => bench.open());
  afterAll(() => bench.close());

  it('leaves the outcome of a sent EndTxn unknown, and that of an unsent one certain', async () => {
    const topic = await bench.topic();
    const producer = await bench.producer();
    expect(await producer.add(topic.at())).toBe(OK);
    expect((await producer.send(topic, ['committed in doubt'])).error).toBe(OK);
    const { txn } = producer;
    const proxy = await startAnswerCuttingProxy(address);
    const connector = new Connector({ brokers: [], clientId: 'in-doubt' }, systemPlatform);
    const lane = new Lane({
      ...{ clientId: 'in-doubt', name: 'proxy', platform: systemPlatform },
      connect: (onFailure) => connector.connect({ host: '127.0.0.1', port: proxy.port }, onFailure),
    });
    const wrong = { txn: { ...txn, producerEpoch: 99 }, committed: true };
    expect((await lane.send(END_TXN, wrong, ANSWER_LIMIT_MS)).errorCode).not.toBe(0);
    proxy.cutAtNextAnswer();
    const sent = lane.send(END_TXN, { txn, committed: true }, ANSWER_LIMIT_MS);
    await expect(sent).rejects.toMatchObject({ name: 'KafkaRequestError', api: 'EndTxn', definite: false });
    await proxy.stop();
    const unsent = lane.send(END_TXN, { txn, committed: true }, ANSWER_LIMIT_MS);
    await expect(unsent).rejects.toMatchObject({ name: 'KafkaRequestError', api: 'EndTxn', definite: true });
    await connector.close(new Error('done'));

    expect(await producer.end(true)).toBe(OK);
    await topic.stable();
    expect(await topic.texts()).toEqual(['committed in doubt']);
  });
});
