import { KafkaRequestError } from '../../port';
import { kafkaErrorName } from '../../protocol/errors';

/** An error code by its name in Kafka's table: a failed expectation is then read without that table. */
export type ErrorName = string;

export const OK: ErrorName = 'NONE';

export function nameOf(answer: { readonly errorCode: number } | undefined): ErrorName {
  return answer === undefined ? 'NO_ANSWER' : kafkaErrorName(answer.errorCode);
}

/** What says that the coordinator is still coming up. */
const LOADING: ReadonlySet<ErrorName> = new Set([
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
]);

export function isLoading(name: ErrorName): boolean {
  return LOADING.has(name);
}

/** True for a request that certainly was not applied, because nobody was there to take it. */
export function wasNotSent(error: unknown): boolean {
  return error instanceof KafkaRequestError && error.definite;
}
