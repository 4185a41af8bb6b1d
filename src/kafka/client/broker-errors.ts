import { isTidemarkError, TidemarkError, type ErrorCode, type Reaction } from '../../errors';
import { KafkaRequestError } from '../port';
import { kafkaErrorName } from '../protocol/errors';
import { neededRight } from '../protocol/needed-rights';

/** Leaders and coordinators that move, brokers that are busy or behind: the same request may work in a moment. */
const RETRY = [
  2, 3, 5, 6, 7, 8, 9, 11, 13, 14, 15, 16, 19, 20, 41, 51, 56, 60, 70, 71, 72, 74, 75, 77, 78, 79, 80, 83, 84,
  88, 89, 100, 103, 106, 108, 116, 122, 123, 129, 133,
];
/** The transaction is beyond repair, the membership is not. */
const ABORT_EPOCH = [45, 46, 48, 49, 52, 59, 87, 105, 120];
/** The membership or the producer belongs to somebody else now: a current generation must be got first (A4, B1). */
const REJOIN = [22, 25, 27, 47, 69, 90, 110, 113];
/** A setting, a name or a value of ours that the broker will never take. */
const USAGE = [17, 21, 23, 24, 26, 37, 38, 39, 40, 44, 50, 112, 128];

const REACTIONS: ReadonlyMap<number, Reaction> = new Map([
  ...RETRY.map((code) => [code, 'retry'] as const),
  ...ABORT_EPOCH.map((code) => [code, 'abort-epoch'] as const),
  ...REJOIN.map((code) => [code, 'rejoin'] as const),
  ...USAGE.map((code) => [code, 'usage'] as const),
]);

/**
 * What the runtime does about a Kafka error code. Total: a code that is not known, or that no retry and no new epoch
 * can heal, is `stop`. It judges by the code alone: where a retry could apply a request twice, the transaction layer
 * is stricter (PROTOCOL A4). The same names mean the same on every API
 * (Kafka protocol guide, "Error Codes"; retriable as the Java client's RetriableException).
 */
export function reactionTo(kafkaErrorCode: number): Reaction {
  return REACTIONS.get(kafkaErrorCode) ?? 'stop';
}

const CODES: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [1, 'TM4003'],
  [2, 'TM2006'],
  [3, 'TM2003'],
  [100, 'TM2003'],
  [10, 'TM3003'],
  [18, 'TM3003'],
  [22, 'TM5005'],
  [25, 'TM5005'],
  [27, 'TM5005'],
  [69, 'TM5005'],
  [110, 'TM5005'],
  [113, 'TM5005'],
  [23, 'TM1006'],
  [26, 'TM2005'],
  [37, 'TM2005'],
  [38, 'TM2005'],
  [40, 'TM2005'],
  [44, 'TM2005'],
  [50, 'TM2005'],
  [29, 'TM2008'],
  [30, 'TM2008'],
  [31, 'TM2008'],
  [33, 'TM2008'],
  [34, 'TM2008'],
  [53, 'TM2008'],
  [58, 'TM2008'],
  [65, 'TM2008'],
  [32, 'TM3006'],
  [35, 'TM2009'],
  [47, 'TM5001'],
  [90, 'TM5001'],
  [76, 'TM2007'],
  [82, 'TM1012'],
]);

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
  const code = CODES.get(kafkaErrorCode) ?? 'TM2002';
  const hint = rightsHint(api, kafkaErrorCode) ?? HINTS[code];
  const what = `${api} was answered with ${kafkaErrorName(kafkaErrorCode)} (${kafkaErrorCode})`;
  return new TidemarkError(code, reactionTo(kafkaErrorCode), what, {
    where,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** What to grant after an authorization error; undefined for any other. */
export function rightsHint(api: string, kafkaErrorCode: number): string | undefined {
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
