import type { TransactionVersion } from '../../port';
import { createSimKafka } from '../../sim/sim-kafka';
import type { ConformanceCluster, ConformanceFactory } from './cluster';

/** By the time that a process is gone, its clients know. */
const NOTICED_MS = 50;

/** SimKafka as the suite wants it: nothing takes long, and time passes whenever the suite waits. */
export function simCluster(transactionVersion: TransactionVersion): ConformanceFactory {
  return ({ brokers }): Promise<ConformanceCluster> => {
    const kafka = createSimKafka({
      ...{ seed: 7, brokers, transactionVersion, housekeepingMs: 200 },
      brokerConfig: { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500' },
    });
    return Promise.resolve({
      label: `SimKafka, ${brokers} brokers, transaction version ${transactionVersion}`,
      ...{ brokers, transactionVersion, platform: kafka.platform },
      connect: () => kafka.connect({ clientId: 'conformance' }),
      killBroker: async (nodeId) => {
        kafka.killBroker(nodeId);
        await kafka.platform.advance(NOTICED_MS);
      },
      startBroker: (nodeId) => kafka.startBroker(nodeId),
      close: () => kafka.close(),
    });
  };
}
