import { existsSync } from 'node:fs';
import { createKafkaPort } from '../../src/kafka/transport/real-kafka-port';
import { obtainKafka, type KafkaHandle } from '../../src/provision';
import { systemPlatform } from '../../src/util/system';

/**
 * What only a Docker daemon can show: `npm run test:docker`. TIDEMARK_REQUIRE_DOCKER turns the skip into a failure.
 */
const { DOCKER_HOST, TIDEMARK_REQUIRE_DOCKER } = process.env;
const daemon = DOCKER_HOST !== undefined || existsSync('/var/run/docker.sock');
const wanted = daemon || TIDEMARK_REQUIRE_DOCKER !== undefined;
if (!wanted)
  process.stderr.write('skipped: no Docker daemon (neither DOCKER_HOST nor /var/run/docker.sock)\n');

(wanted ? describe : describe.skip)('a Kafka from Docker', () => {
  let kafka: KafkaHandle;
  beforeAll(async () => {
    kafka = await obtainKafka({ source: 'docker' });
  }, 300_000);
  afterAll(() => kafka.stop(), 60_000);

  it('answers and keeps a topic', async () => {
    const port = createKafkaPort({ brokers: kafka.brokers, clientId: 'docker-test' }, systemPlatform);
    try {
      const topic = { topic: 'from-docker', partitions: 3, replicationFactor: 1, configs: {} };
      expect(await port.createTopics([topic])).toMatchObject([{ errorCode: 0 }]);
      const { topics } = await port.metadata(['from-docker']);
      expect(topics[0]?.partitions).toHaveLength(3);
    } finally {
      await port.close();
    }
  }, 60_000);
});
