import type { ConformanceCluster, ConformanceFactory } from '../../src/kafka/testing/conformance/cluster';
import { createKafkaPort } from '../../src/kafka/transport/real-kafka-port';
import { obtainKafka, type BrokerNode } from '../../src/provision';
import { systemPlatform } from '../../src/util/system';

/** So that nothing that brokers do by the clock takes long. */
export const QUICK_BROKER: Readonly<Record<string, string>> = {
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '200',
  'log.cleaner.backoff.ms': '200',
};

/** Real brokers of one version. */
export function realCluster(version: string): ConformanceFactory {
  return async ({ brokers }): Promise<ConformanceCluster> => {
    const kafka = await obtainKafka({ source: 'local', version, brokers, serverProperties: QUICK_BROKER });
    const node = (nodeId: number): BrokerNode => {
      const found = kafka.nodes.find(({ id }) => id === nodeId);
      if (found === undefined) throw new Error(`there is no broker ${nodeId}`);
      return found;
    };
    return {
      label: `Apache Kafka ${version}, ${brokers === 1 ? '1 broker' : `${brokers} brokers`}`,
      brokers,
      transactionVersion: transactionVersionOf(version),
      platform: systemPlatform,
      connect: () => createKafkaPort({ brokers: kafka.brokers, clientId: 'conformance' }, systemPlatform),
      killBroker: (nodeId) => node(nodeId).kill(),
      startBroker: (nodeId) => node(nodeId).start(),
      close: () => kafka.stop(),
    };
  };
}

/** Finalised when the storage is formatted: from 4.0 on it is 2 by default (KIP-890). */
export function transactionVersionOf(version: string): 1 | 2 {
  return version.startsWith('3.') ? 1 : 2;
}
