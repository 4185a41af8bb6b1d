import { kafkaClientConfig } from '../config/kafka-client-config';
import { createKafkaPort } from '../kafka/transport/real-kafka-port';
import { obtainKafka } from '../provision';
import { runJob } from '../runtime/run-job';
import { systemPlatform } from '../util/system';
import { loadJob } from '../runtime/load-job';
import type { CliServices } from './services';

/** The engine itself. */
export const realServices: CliServices = {
  loadJob,
  runJob,
  connectKafka: (config) => createKafkaPort(kafkaClientConfig(config, systemPlatform), systemPlatform),
  startLocalKafka: async (port, report) => {
    const kafka = await obtainKafka({ log: report, ...(port === undefined ? {} : { port }) });
    const started = kafka.source !== 'environment';
    return { brokers: kafka.brokers.join(','), started, stop: () => kafka.stop() };
  },
};
