import type { ResolvedConfig } from '../config/resolved-config';
import { isTidemarkError, restated, TidemarkError, type ErrorCode } from '../errors';
import { retryUntil } from '../kafka/client/backoff';
import { isKafkaRequestError, refusalIn } from '../kafka/client/broker-errors';
import type { Logger } from '../util/logger';
import type { Platform } from '../util/ports';

const RANGE = { initialMs: 100, maxMs: 2_000 };
/** A start outlasts the restart of a broker, and tells a wrong address within a minute (by default). */
const DEADLINE_IN_REQUEST_TIMEOUTS = 2;
/** Not authorised, login refused, no TLS: nobody waits for these to pass at start. */
const CONFIGURATION: ReadonlySet<string> = new Set<ErrorCode>(['TM2008', 'TM2010', 'TM2011']);

/**
 * Repeats `attempt` while no broker answers, for twice `kafka.request-timeout`. `attempt` must be safe to repeat.
 * @throws {TidemarkError} TM2001 `stop` when none has answered by then; TM2008, TM2010,
 * TM2011 `usage` when one refuses; whatever else `attempt` throws, at once
 */
export function whenBrokersAnswer<T>(
  attempt: () => Promise<T>,
  { kafka }: ResolvedConfig,
  platform: Platform,
  logger: Logger,
): Promise<T> {
  const deadlineMs = DEADLINE_IN_REQUEST_TIMEOUTS * kafka.requestTimeoutMs;
  const brokers = kafka.brokers.join(',');
  let said = false;
  return retryUntil({ platform, deadlineMs, range: RANGE }, async () => {
    try {
      return { done: await attempt() };
    } catch (error) {
      refuse(error);
      if (!isAway(error)) throw error;
      if (!said) logger.warn('no broker answers yet, trying again', { brokers, reason: error.message });
      said = true;
      return { again: nobodyAnswered(brokers, deadlineMs, error) };
    }
  });
}

/** A seed took the connection, and a broker that it names does not: at start that is an error of the configuration too. */
function refuse(error: unknown): void {
  const refusal = refusalIn(error) ?? (isTidemarkError(error) ? error : null);
  if (refusal === null || !CONFIGURATION.has(refusal.code)) return;
  throw restated(refusal, { reaction: 'usage', cause: error });
}

function isAway(error: unknown): error is Error {
  return isKafkaRequestError(error) || (isTidemarkError(error) && error.code === 'TM2001');
}

function nobodyAnswered(brokers: string, deadlineMs: number, cause: Error): TidemarkError {
  return new TidemarkError(
    'TM2001',
    'stop',
    `no broker answered for ${deadlineMs / 1000} s: ${cause.message}`,
    {
      where: brokers,
      hint: 'check the addresses and that the brokers run and can be reached, then start again; nothing was changed',
      cause,
    },
  );
}
