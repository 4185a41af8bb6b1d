import { isTidemarkError } from '../../errors';
import { retryUntil, type Attempt } from '../../kafka/client/backoff';
import { brokerError, connectionError } from '../../kafka/client/broker-errors';
import type { ClientContext } from '../../kafka/client/client-context';
import type { ProducerIdentity } from '../../kafka/port';
import { noFaults } from '../../util/fault-points';
import { BatchSender } from './batch-sender';

const DEADLINE_MS = 60_000;
const WHO = 'idempotent producer';

/**
 * A sender outside any transaction, with an idempotent producer's identity (KIP-98): for the control topic and tools.
 * @throws {TidemarkError} those of {@link newProducerId}
 */
export async function openIdempotentSender(client: ClientContext): Promise<BatchSender> {
  const { port, metadata } = client;
  const identity = await newProducerId(client, DEADLINE_MS);
  return new BatchSender({ port, metadata, transactionalId: null, fault: noFaults }, identity);
}

/**
 * A producer id of nobody else's (KIP-98). A broker that has just started answers that it is still loading.
 * @throws {TidemarkError} TM2008 when the broker refuses; TM2001, TM2002 when there is none within the deadline (milliseconds)
 */
export function newProducerId(
  { port, platform }: Pick<ClientContext, 'port' | 'platform'>,
  deadlineMs: number,
): Promise<ProducerIdentity> {
  const request = { transactionalId: null, transactionTimeoutMs: deadlineMs, current: null };
  return retryUntil({ platform, deadlineMs }, async (): Promise<Attempt<ProducerIdentity>> => {
    const answer = await port.initProducerId(request).catch((error: unknown) => connectionError(error, WHO));
    if (isTidemarkError(answer)) return { again: answer };
    const { errorCode, producerId, producerEpoch } = answer;
    if (errorCode === 0) return { done: { producerId, producerEpoch } };
    const error = brokerError('InitProducerId', errorCode, WHO);
    if (error.reaction !== 'retry') throw error;
    return { again: error };
  });
}
