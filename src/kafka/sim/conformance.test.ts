import type { TransactionVersion } from '../port';
import type { ConformanceCluster } from '../testing/conformance/cluster';
import { describeKafkaConformance } from '../testing/conformance/suite';
import { createSimKafka } from './sim-kafka';

/** As the conformance suite wants it: nothing takes long. */
function clusterOf(brokers: 1 | 3, transactionVersion: TransactionVersion): ConformanceCluster {
  const kafka = createSimKafka({
    ...{ seed: 7, brokers, transactionVersion, housekeepingMs: 200 },
    brokerConfig: { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500' },
  });
  return {
    label: `SimKafka, ${brokers} brokers, transaction version ${transactionVersion}`,
    ...{ brokers, transactionVersion, platform: kafka.platform },
    connect: () => kafka.connect({ clientId: 'conformance' }),
    killBroker: async (nodeId) => {
      kafka.killBroker(nodeId);
      await kafka.platform.advance(50); // by the time that a process is gone, its clients know
    },
    startBroker: (nodeId) => kafka.startBroker(nodeId),
    close: () => kafka.close(),
  };
}

const runs = [
  { brokers: 1, transactionVersion: 1 },
  { brokers: 1, transactionVersion: 2, only: 'version' },
  { brokers: 3, transactionVersion: 1, only: 'brokers' },
  { brokers: 3, transactionVersion: 2 },
] as const;

for (const run of runs) {
  const { brokers, transactionVersion } = run;
  describeKafkaConformance(() => Promise.resolve(clusterOf(brokers, transactionVersion)), {
    ...run,
    title: `SimKafka, ${brokers} broker(s), transaction version ${transactionVersion}`,
  });
}
