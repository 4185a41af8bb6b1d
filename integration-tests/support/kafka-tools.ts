import { ConfigResourceTypes, Kafka, logLevel, type Admin, type Message, type Producer } from 'kafkajs';
import { createKafkaPort } from '../../src/kafka/transport/real-kafka-port';
import { systemPlatform } from '../../src/util/system';
import { waitFor } from './wait';

/** A record to be produced; without `partition` Kafka's default partitioner places it by its key. */
export type TestRecord = Message;

/**
 * What a test does to a cluster beside the job: topics, records, offsets. Through the client's public classes, so that
 * nothing here is shared with the code under test.
 */
export class KafkaTools {
  private readonly admin: Admin;
  private readonly producer: Producer;

  private readonly brokers: readonly string[];

  private constructor(brokers: readonly string[]) {
    this.brokers = brokers;
    const kafka = new Kafka({
      brokers: [...brokers],
      clientId: 'test-tools',
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 100, retries: 12 },
    });
    this.admin = kafka.admin();
    this.producer = kafka.producer({ allowAutoTopicCreation: false });
  }

  static async connect(brokers: readonly string[]): Promise<KafkaTools> {
    process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
    const tools = new KafkaTools(brokers);
    await tools.admin.connect();
    await tools.producer.connect();
    return tools;
  }

  async createTopic(
    topic: string,
    numPartitions = 1,
    configs: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
    const replicationFactor = -1;
    await this.admin.createTopics({
      waitForLeaders: false,
      topics: [{ topic, numPartitions, replicationFactor, configEntries }],
    });
    // The controller's answer comes before the brokers know the topic.
    const led = async (): Promise<true | undefined> => {
      const found = await this.admin.fetchTopicMetadata({ topics: [topic] }).catch(() => undefined);
      return found?.topics[0]?.partitions.length === numPartitions ? true : undefined;
    };
    await waitFor(`leaders of ${topic}`, led);
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.admin.deleteTopics({ topics: [topic] });
    // The answer comes before every broker has forgotten it.
    await waitFor(`the end of topic ${topic}`, async () =>
      (await this.topics()).includes(topic) ? undefined : true,
    );
  }

  topics(): Promise<string[]> {
    return this.admin.listTopics();
  }

  /** In the given order; at most a few thousand records, the client's time is quadratic. */
  async produce(topic: string, messages: readonly TestRecord[]): Promise<void> {
    const chunk = 1000;
    for (let from = 0; from < messages.length; from += chunk) {
      await this.producer.send({ topic, acks: -1, messages: messages.slice(from, from + chunk) });
    }
  }

  async addPartitions(topic: string, count: number): Promise<void> {
    await this.admin.createPartitions({ topicPartitions: [{ topic, count }] });
  }

  async configure(topic: string, configs: Readonly<Record<string, string>>): Promise<void> {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }];
    await this.admin.alterConfigs({ validateOnly: false, resources });
  }

  /** Deletes the records of a partition before `offset`, as retention does. The client's own call loses its metadata. */
  async deleteRecords(topic: string, partition: number, offset: number): Promise<void> {
    const { brokers } = this;
    const port = createKafkaPort({ brokers, clientId: 'test-tools' }, systemPlatform);
    try {
      const { topics } = await port.metadata([topic]);
      const leader = topics[0]?.partitions.find((found) => found.partition === partition)?.leader ?? -1;
      const [answer] = await port.deleteRecords([{ topic, partition, offset: BigInt(offset) }], leader);
      if (answer?.errorCode !== 0)
        throw new Error(`DeleteRecords of ${topic} was answered with ${answer?.errorCode}`);
    } finally {
      await port.close();
    }
  }

  /** As `kafka-consumer-groups.sh --reset-offsets` does; the group must have no member. */
  async setOffset(groupId: string, topic: string, partition: number, offset: number): Promise<void> {
    await this.admin.setOffsets({ groupId, topic, partitions: [{ partition, offset: String(offset) }] });
  }

  /** Committed offsets of a group in a topic, by partition; -1 where there is none. */
  async offsets(groupId: string, topic: string): Promise<number[]> {
    const [found] = await this.admin.fetchOffsets({ groupId, topics: [topic] });
    const partitions = [...(found?.partitions ?? [])].sort((a, b) => a.partition - b.partition);
    return partitions.map(({ offset }) => Number(offset));
  }

  /** Waits until the group has committed at least these offsets in partitions 0, 1, … of the topic. */
  async committed(
    groupId: string,
    topic: string,
    atLeast: readonly number[],
    limitMs = 30_000,
  ): Promise<void> {
    const reached = async (): Promise<true | undefined> => {
      // The coordinator may be loading or away.
      const offsets = await this.offsets(groupId, topic).catch((): number[] => []);
      return atLeast.every((wanted, partition) => (offsets[partition] ?? -1) >= wanted) ? true : undefined;
    };
    await waitFor(`offsets ${atLeast.join()} of ${groupId} in ${topic}`, reached, { limitMs, everyMs: 50 });
  }

  /** Members of a group, to wait until a killed one is forgotten. */
  async members(groupId: string): Promise<number> {
    const { groups } = await this.admin.describeGroups([groupId]);
    return groups[0]?.members.length ?? 0;
  }

  async close(): Promise<void> {
    await Promise.all([this.admin.disconnect(), this.producer.disconnect()]);
  }
}
