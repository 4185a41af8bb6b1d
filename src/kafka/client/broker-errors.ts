import { isTidemarkError, TidemarkError, type ErrorCode } from '../../errors';
import { KafkaRequestError } from '../port';
import { kafkaErrorName } from '../protocol/errors';
import { neededRight } from '../protocol/needed-rights';
import { errorRule } from './error-reactions';

export { reactionTo } from './error-reactions';

const HINTS: Partial<Record<ErrorCode, string>> = {
  TM1006: 'choose another application id, or stop the other members of this consumer group',
  TM1012: 'another process runs with this instance id: stop it, or give this one an instance id of its own',
  TM2003: 'create the topic, or correct its name',
  TM2009: 'use Kafka 3.6 or later',
};

/**
 * The error for an error code in a broker's answer.
 * @param api name of the request, for the message
 * @param where what the answer was about: topic-partition@offset, group …
 */
export function brokerError(api: string, kafkaErrorCode: number, where: string): TidemarkError {
  const { code = 'TM2002', reaction } = errorRule(kafkaErrorCode);
  const hint = rightsHint(api, kafkaErrorCode) ?? HINTS[code];
  const what = `${api} was answered with ${kafkaErrorName(kafkaErrorCode)} (${kafkaErrorCode})`;
  return new TidemarkError(code, reaction, what, {
    where,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** What to grant after an authorization error; undefined for any other. */
function rightsHint(api: string, kafkaErrorCode: number): string | undefined {
  const right = neededRight(api, kafkaErrorCode);
  if (right === null) return undefined;
  return `grant ${right} to the principal of this job; docs/security.md lists all that a job needs`;
}

/**
 * Why a broker refused to take a connection (TM2010, TM2011), when that is why the request was not sent; it was taken
 * before, or the request would have failed with this error itself.
 */
export function refusalIn(error: unknown): TidemarkError | null {
  const cause = isKafkaRequestError(error) ? error.cause : undefined;
  if (isTidemarkError(cause)) return cause;
  return isKafkaRequestError(cause) ? refusalIn(cause) : null;
}

/**
 * The error for a request that brought no answer: TM2001 `retry`, or the reason why the connection was refused.
 * @throws what it was given, when that is not a failed request: a bug must not pass for a broker that is away
 */
export function connectionError(error: unknown, where: string): TidemarkError {
  if (!isKafkaRequestError(error)) throw error;
  const refusal = refusalIn(error);
  if (refusal !== null) return refusal;
  return new TidemarkError('TM2001', 'retry', `${error.api} brought no answer: ${error.message}`, {
    where,
    hint: 'check that the brokers run and can be reached',
    cause: error,
  });
}

/** By name and shape: `instanceof` is false across realms. */
export function isKafkaRequestError(error: unknown): error is KafkaRequestError {
  return error instanceof KafkaRequestError || (error instanceof Error && error.name === 'KafkaRequestError');
}
