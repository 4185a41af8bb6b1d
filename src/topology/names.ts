import { TidemarkError } from '../errors';

const NAME = /^[a-zA-Z0-9._-]{1,100}$/;
const TOPIC = /^[a-zA-Z0-9._-]{1,249}$/;

/** A mistake in a job's definition: TM1004, refused before anything starts. */
export function badDefinition(what: string, hint: string, where?: string): TidemarkError {
  return new TidemarkError('TM1004', 'usage', what, where === undefined ? { hint } : { hint, where });
}

/**
 * The name, which becomes part of topic names and stored keys.
 *
 * @param call the call that gave it, as the user wrote it: `keyBy()`
 * @throws {TidemarkError} TM1004 when it is missing or has characters that a topic name cannot have
 */
export function checkName(call: string, name: unknown, where?: string): string {
  if (name === undefined || name === null || name === '') {
    throw badDefinition(
      `${call} has no name`,
      'give it one: state and topics are kept under the name',
      where,
    );
  }
  if (typeof name !== 'string' || !NAME.test(name) || isDots(name)) {
    const shown = typeof name === 'string' ? `'${name}'` : `of type ${typeof name}`;
    throw badDefinition(
      `${call}: the name ${shown} is not allowed`,
      "use 1 to 100 of a-z, A-Z, 0-9, '.', '_', '-'",
      where,
    );
  }
  return name;
}

/** @throws {TidemarkError} TM1004 when Kafka would not take it as the name of a topic */
export function checkTopic(call: string, topic: unknown, where?: string): string {
  if (typeof topic === 'string' && TOPIC.test(topic) && !isDots(topic)) return topic;
  const shown = typeof topic === 'string' ? `'${topic}'` : `of type ${typeof topic}`;
  throw badDefinition(
    `${call}: the topic name ${shown} is not allowed`,
    "use 1 to 249 of a-z, A-Z, 0-9, '.', '_', '-'",
    where,
  );
}

function isDots(name: string): boolean {
  return name === '.' || name === '..';
}
