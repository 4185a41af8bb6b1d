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

for (const brokers of [1, 3] as const) {
  for (const transactionVersion of [1, 2] as const) {
    describeKafkaConformance(() => Promise.resolve(clusterOf(brokers, transactionVersion)), {
      ...{ brokers, transactionVersion },
      title: `SimKafka, ${brokers} broker(s), transaction version ${transactionVersion}`,
    });
  }
}
