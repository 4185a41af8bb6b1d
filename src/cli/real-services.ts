import { kafkaClientConfig } from '../config/kafka-client-config';
import { createKafkaPort } from '../kafka/transport/real-kafka-port';
import { obtainKafka } from '../provision';
import { runJob } from '../runtime/run-job';
import { systemPlatform } from '../util/system';
import { loadJob } from './load-job';
import type { CliServices } from './services';

/** The engine itself. */
export const realServices: CliServices = {
  loadJob,
  runJob,
  connectKafka: (config) => createKafkaPort(kafkaClientConfig(config), systemPlatform),
  startLocalKafka: async (port, report) => {
    const kafka = await obtainKafka({ report, ...(port === undefined ? {} : { port }) });
    return { brokers: kafka.brokers.join(','), stop: () => kafka.stop() };
  },
};
