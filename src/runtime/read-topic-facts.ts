import { brokerError } from '../kafka/client/broker-errors';
import type { ClientContext } from '../kafka/client/client-context';
import { describeTopics } from '../kafka/client/topic-admin';
import { KafkaError } from '../kafka/protocol/errors';
import type { ConfigResult } from '../kafka/port';
import { must } from '../util/asserts';
import { TopicFacts, type TopicFact } from './topic-facts';

/** Defaults of Kafka, for settings that a broker does not report. */
const DEFAULTS = { maxMessageBytes: 1_048_588, deleteRetentionMs: 24 * 3600 * 1000 };

/** Reads what the runtime must know of its topics. @throws {TidemarkError} TM2008, TM2002 when a broker refuses */
export async function readTopicFacts(client: ClientContext, topics: readonly string[]): Promise<TopicFacts> {
  const described = await describeTopics(client.port, topics);
  const configs = await client.port.describeConfigs(topics.map((name) => ({ type: 'topic' as const, name })));
  const facts = configs.map((config): TopicFact => {
    if (config.errorCode !== KafkaError.NONE)
      throw brokerError('DescribeConfigs', config.errorCode, `topic ${config.name}`);
    const metadata = must(described.get(config.name), `metadata of ${config.name}`);
    return {
      topic: config.name,
      topicId: metadata.topicId,
      partitions: metadata.partitions.length,
      maxMessageBytes: numberOf(config, 'max.message.bytes') ?? DEFAULTS.maxMessageBytes,
      deleteRetentionMs: numberOf(config, 'delete.retention.ms') ?? DEFAULTS.deleteRetentionMs,
      timestampBounds: boundsOf(config),
    };
  });
  return new TopicFacts(await client.metadata.clusterId(), facts);
}

function boundsOf(config: ConfigResult): TopicFact['timestampBounds'] {
  if (config.configs.get('message.timestamp.type') === 'LogAppendTime') return null;
  return {
    beforeMs: numberOf(config, 'message.timestamp.before.max.ms') ?? Infinity,
    afterMs: numberOf(config, 'message.timestamp.after.max.ms') ?? Infinity,
  };
}

function numberOf(config: ConfigResult, name: string): number | undefined {
  const value = config.configs.get(name);
  return value == null ? undefined : Number(value);
}
