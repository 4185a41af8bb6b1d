import type { KafkaConfig } from '../../config/resolved-config';
import { TidemarkError } from '../../errors';
import { retryUntil, type Attempt } from '../../kafka/client/backoff';
import { brokerError, connectionError, reactionTo } from '../../kafka/client/broker-errors';
import type { ClientContext } from '../../kafka/client/client-context';
import { MetadataCache } from '../../kafka/client/metadata-cache';
import type { KafkaPort } from '../../kafka/port';
import type { CommandContext } from '../services';

/** A person waits: brokers that are away for this long are reported. */
export const COMMAND_DEADLINE_MS = 15_000;
const MISSING_TOPIC_DEADLINE_MS = 1_000;

/** Connects, runs `action`, and closes the connections whatever happens. */
export async function withKafka<T>(
  config: KafkaConfig,
  { io, services }: CommandContext,
  action: (client: ClientContext) => Promise<T>,
): Promise<T> {
  const port = services.connectKafka(config);
  const metadata = new MetadataCache(port, io.platform, {
    deadlineMs: COMMAND_DEADLINE_MS,
    missingTopicDeadlineMs: MISSING_TOPIC_DEADLINE_MS,
  });
  try {
    return await action({ port, metadata, platform: io.platform });
  } finally {
    metadata.close();
    await port.close();
  }
}

/**
 * One request, repeated while its answer says that another attempt may work.
 * @param expected error codes that are an answer, not a failure
 * @throws TidemarkError TM2001 no answer in time, else what the broker's code stands for
 */
export async function ask<T extends { readonly errorCode: number }>(
  { port, platform }: ClientContext,
  request: { readonly api: string; readonly where: string; readonly expected?: readonly number[] },
  send: (port: KafkaPort) => Promise<T>,
): Promise<T> {
  const { api, where, expected = [] } = request;
  return retryUntil({ platform, deadlineMs: COMMAND_DEADLINE_MS }, async (): Promise<Attempt<T>> => {
    try {
      const answer = await send(port);
      if (answer.errorCode === 0 || expected.includes(answer.errorCode)) return { done: answer };
      const error = brokerError(api, answer.errorCode, where);
      if (reactionTo(answer.errorCode) !== 'retry') throw error;
      return { again: error };
    } catch (error) {
      return { again: connectionError(error, where) };
    }
  });
}

/** @throws always: TM1014 */
export function refuseUnknownApplication(applicationId: string): never {
  throw new TidemarkError('TM1014', 'usage', `application ${applicationId} is not known to this Kafka`, {
    hint: 'check the application id and the brokers',
  });
}
