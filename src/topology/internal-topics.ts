import { TidemarkError } from '../errors';

/** Kafka's limit on topic names. */
const MAX_TOPIC_LENGTH = 249;

/**
 * Names of internal topics. `prefix` is `kafka.internal-topics.prefix`, by default the application id. The first
 * incarnation has no suffix; later ones (restore, rescale) end in `-i2`, `-i3` …
 */

/** A stage's changelog: state changes and commit records, one partition a task. */
export function changelogTopic(prefix: string, stageName: string, incarnation: number): string {
  return checked(`${prefix}-${stageName}-changelog${suffix(incarnation)}`);
}

/** The topic that a shuffling keyBy writes and the stage behind it reads. */
export function shuffleTopic(prefix: string, shuffleName: string, incarnation: number): string {
  return checked(`${prefix}-${shuffleName}-shuffle${suffix(incarnation)}`);
}

/** The application's control topic, the same for all incarnations. */
export function controlTopic(prefix: string): string {
  return checked(`${prefix}-control`);
}

function suffix(incarnation: number): string {
  return incarnation === 1 ? '' : `-i${incarnation}`;
}

function checked(topic: string): string {
  if (topic.length <= MAX_TOPIC_LENGTH) return topic;
  throw new TidemarkError('TM1004', 'usage', `the internal topic name has ${topic.length} characters`, {
    where: topic,
    hint: `Kafka allows ${MAX_TOPIC_LENGTH}: shorten kafka.internal-topics.prefix, the application id or the keyBy's name`,
  });
}
