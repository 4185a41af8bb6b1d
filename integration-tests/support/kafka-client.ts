import type { ClientContext } from '../../src/kafka/client/client-context';
import { MetadataCache } from '../../src/kafka/client/metadata-cache';
import { ensureTopics } from '../../src/kafka/client/topic-admin';
import { createKafkaPort } from '../../src/kafka/transport/real-kafka-port';
import type { KafkaHandle } from '../../src/provision';
import { systemPlatform } from '../../src/util/system';

/** A client of a test's own, beside the jobs that it looks at. */
export interface TestClient extends ClientContext {
  close(): Promise<void>;
}

export function openTestClient(kafka: KafkaHandle): TestClient {
  const port = createKafkaPort({ brokers: kafka.brokers, clientId: 'tidemark-test' }, systemPlatform);
  const metadata = new MetadataCache(port, systemPlatform);
  const close = async (): Promise<void> => {
    metadata.close();
    await port.close();
  };
  return { port, metadata, platform: systemPlatform, close };
}

/** Creates topics with the broker's default replication. */
export async function createTopics(
  client: ClientContext,
  topics: readonly string[],
  partitions: number,
): Promise<void> {
  const wanted = topics.map((topic) => ({ topic, partitions, replicationFactor: -1, configs: {} }));
  await ensureTopics(client.port, client.platform, wanted);
}
