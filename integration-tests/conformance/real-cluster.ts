import type { ConformanceCluster, ConformanceFactory } from '../../src/kafka/testing/conformance/cluster';
import { createKafkaPort } from '../../src/kafka/transport/real-kafka-port';
import { obtainKafka, type BrokerNode, type KafkaHandle } from '../../src/provision';
import { systemPlatform } from '../../src/util/system';

/** So that nothing that brokers do by the clock takes long. */
export const QUICK_BROKER: Readonly<Record<string, string>> = {
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '200',
  'log.cleaner.backoff.ms': '200',
};

/** Real brokers, and what started them. */
export interface RealCluster extends ConformanceCluster {
  readonly kafka: KafkaHandle;
}

/** Real brokers of one version. */
export function realCluster(version: string): ConformanceFactory {
  return ({ brokers }) => openRealCluster(version, brokers);
}

export async function openRealCluster(version: string, brokers: 1 | 3): Promise<RealCluster> {
  const kafka = await obtainKafka({ source: 'local', version, brokers, serverProperties: QUICK_BROKER });
  const node = (nodeId: number): BrokerNode => {
    const found = kafka.nodes.find(({ id }) => id === nodeId);
    if (found === undefined) throw new Error(`there is no broker ${nodeId}`);
    return found;
  };
  return {
    kafka,
    label: labelOf(version, brokers),
    brokers,
    transactionVersion: transactionVersionOf(version),
    platform: systemPlatform,
    connect: () => createKafkaPort({ brokers: kafka.brokers, clientId: 'conformance' }, systemPlatform),
    killBroker: (nodeId) => node(nodeId).kill(),
    startBroker: (nodeId) => node(nodeId).start(),
    close: () => kafka.stop(),
  };
}

export function labelOf(version: string, brokers: 1 | 3): string {
  return `Apache Kafka ${version}, ${brokers === 1 ? '1 broker' : `${brokers} brokers`}`;
}

/** Finalised when the storage is formatted: from 4.0 on it is 2 by default (KIP-890). */
export function transactionVersionOf(version: string): 1 | 2 {
  return version.startsWith('3.') ? 1 : 2;
}
