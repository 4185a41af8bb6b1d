import { TidemarkError } from '../../errors';
import { must } from '../../util/asserts';
import type { Platform } from '../../util/ports';
import { tpKey, type KafkaPort, type NewTopic, type TopicMetadata, type TopicResult } from '../port';
import { KafkaError } from '../protocol/errors';
import { retryUntil, type Attempt } from './backoff';
import { brokerError, connectionError, reactionTo } from './broker-errors';

const DEFAULT_DEADLINE_MS = 60_000;

/**
 * Creates the topics that do not exist, waits until every partition has a leader, and checks partition counts.
 * Several instances may do it at once. Settings of a topic that exists are left as they are.
 * @throws {TidemarkError} TM2004 a topic exists with another number of partitions, TM2005 the broker refuses a
 * setting, TM2008 not authorised, TM2001 not done within the deadline (milliseconds)
 */
export async function ensureTopics(
  port: KafkaPort,
  platform: Platform,
  topics: readonly NewTopic[],
  deadlineMs = DEFAULT_DEADLINE_MS,
): Promise<void> {
  if (topics.length === 0) return;
  await retryUntil({ platform, deadlineMs }, async (): Promise<Attempt<true>> => {
    try {
      return await createAndCheck(port, topics);
    } catch (error) {
      return { again: connectionError(error, topics.map(({ topic }) => topic).join(', ')) };
    }
  });
}

async function createAndCheck(port: KafkaPort, topics: readonly NewTopic[]): Promise<Attempt<true>> {
  const described = await describeTopics(
    port,
    topics.map(({ topic }) => topic),
  );
  const missing = topics.filter(({ topic }) => described.get(topic) === null);
  if (missing.length > 0) return create(port, missing);
  for (const wanted of topics) {
    const found = must(described.get(wanted.topic), 'topic that was found');
    if (found.partitions.length !== wanted.partitions) throw wrongCount(wanted, found.partitions.length);
    const leaderless = found.partitions.find(({ leader }) => leader < 0);
    if (leaderless !== undefined) {
      return {
        again: brokerError(
          'Metadata',
          KafkaError.LEADER_NOT_AVAILABLE,
          tpKey(wanted.topic, leaderless.partition),
        ),
      };
    }
  }
  return { done: true };
}

/** Never done: what was created is looked at in the next attempt. */
async function create(port: KafkaPort, missing: readonly NewTopic[]): Promise<Attempt<true>> {
  const results = await port.createTopics(missing);
  for (const result of results) {
    if (result.errorCode === KafkaError.NONE || result.errorCode === KafkaError.TOPIC_ALREADY_EXISTS)
      continue;
    const error = topicError('CreateTopics', result);
    if (error.reaction !== 'retry') throw error;
  }
  return { again: unfinished(missing) };
}

/**
 * Metadata by topic; null for a topic that does not exist.
 * @throws {TidemarkError} TM2008 not authorised, TM2002 another error code; {@link KafkaRequestError} no answer
 */
export async function describeTopics(
  port: KafkaPort,
  topics: readonly string[],
): Promise<ReadonlyMap<string, TopicMetadata | null>> {
  const found = new Map<string, TopicMetadata | null>(topics.map((topic) => [topic, null]));
  if (topics.length === 0) return found;
  for (const metadata of (await port.metadata(topics)).topics) {
    const { topic, errorCode } = metadata;
    if (errorCode === KafkaError.UNKNOWN_TOPIC_OR_PARTITION) continue;
    if (errorCode !== KafkaError.NONE && reactionTo(errorCode) !== 'retry') {
      throw brokerError('Metadata', errorCode, `topic ${topic}`);
    }
    found.set(topic, metadata);
  }
  return found;
}

/**
 * Deletes the topics and waits until the brokers no longer know them. One that is missing counts as deleted.
 * @throws {TidemarkError} TM2008 not authorised, TM2002 refused, TM2001 not done within the deadline (milliseconds)
 */
export async function deleteTopics(
  port: KafkaPort,
  platform: Platform,
  topics: readonly string[],
  deadlineMs = DEFAULT_DEADLINE_MS,
): Promise<void> {
  await retryUntil({ platform, deadlineMs }, async (): Promise<Attempt<true>> => {
    try {
      const left = [...(await describeTopics(port, topics))].filter(([, metadata]) => metadata !== null);
      if (left.length === 0) return { done: true };
      return await remove(
        port,
        left.map(([topic]) => topic),
      );
    } catch (error) {
      return { again: connectionError(error, topics.join(', ')) };
    }
  });
}

async function remove(port: KafkaPort, topics: readonly string[]): Promise<Attempt<true>> {
  for (const result of await port.deleteTopics(topics)) {
    if (result.errorCode === KafkaError.NONE || result.errorCode === KafkaError.UNKNOWN_TOPIC_OR_PARTITION)
      continue;
    const error = topicError('DeleteTopics', result);
    if (error.reaction !== 'retry') throw error;
  }
  return {
    again: new TidemarkError(
      'TM2001',
      'retry',
      `topics are still there after DeleteTopics: ${topics.join(', ')}`,
    ),
  };
}

/**
 * Settings by topic, defaults included; null values are sensitive ones.
 * @throws {TidemarkError} TM2003 topic missing, TM2008 not authorised, TM2001 no answer within the deadline (milliseconds)
 */
export async function topicConfigs(
  port: KafkaPort,
  platform: Platform,
  topics: readonly string[],
  deadlineMs = DEFAULT_DEADLINE_MS,
): Promise<ReadonlyMap<string, ReadonlyMap<string, string | null>>> {
  if (topics.length === 0) return new Map();
  const where = topics.join(', ');
  return retryUntil({ platform, deadlineMs }, async () => {
    try {
      const results = await port.describeConfigs(topics.map((name) => ({ type: 'topic', name })));
      const failed = results.find(({ errorCode }) => errorCode !== KafkaError.NONE);
      if (failed === undefined) return { done: new Map(results.map(({ name, configs }) => [name, configs])) };
      const error = brokerError('DescribeConfigs', failed.errorCode, `topic ${failed.name}`);
      if (error.reaction !== 'retry' || failed.errorCode === KafkaError.UNKNOWN_TOPIC_OR_PARTITION)
        throw error;
      return { again: error };
    } catch (error) {
      return { again: connectionError(error, where) };
    }
  });
}

function topicError(api: string, { topic, errorCode, errorMessage }: TopicResult): TidemarkError {
  return brokerError(
    api,
    errorCode,
    errorMessage === null ? `topic ${topic}` : `topic ${topic}: ${errorMessage}`,
  );
}

function wrongCount({ topic, partitions }: NewTopic, found: number): TidemarkError {
  return new TidemarkError(
    'TM2004',
    'usage',
    `topic ${topic} has ${found} partitions, the job needs ${partitions}`,
    {
      where: `topic ${topic}`,
      hint: 'partition counts of internal topics change only with `tidemark rescale`; delete the topic if it is left over from another job',
    },
  );
}

function unfinished(missing: readonly NewTopic[]): TidemarkError {
  return new TidemarkError(
    'TM2001',
    'retry',
    `topics are not there yet: ${missing.map(({ topic }) => topic).join(', ')}`,
    {
      hint: 'check that the controller and enough brokers for the replication factor run',
    },
  );
}
