import { retryUntil, type Attempt } from '../../kafka/client/backoff';
import { brokerError, connectionError } from '../../kafka/client/broker-errors';
import type { ClientContext } from '../../kafka/client/client-context';
import type { ProducerIdentity } from '../../kafka/port';
import { noFaults } from '../../util/fault-points';
import { BatchSender } from './batch-sender';

const DEADLINE_MS = 60_000;

/**
 * A sender outside any transaction, with an idempotent producer's identity (KIP-98): for the control topic and tools.
 * @throws {TidemarkError} TM2001, TM2002, TM2008 when no producer id is to be had within a minute
 */
export async function openIdempotentSender(client: ClientContext): Promise<BatchSender> {
  const { port, metadata, platform } = client;
  const request = { transactionalId: null, transactionTimeoutMs: DEADLINE_MS, current: null };
  const attempt = async (): Promise<Attempt<ProducerIdentity>> => {
    try {
      const answer = await port.initProducerId(request);
      if (answer.errorCode === 0) return { done: answer };
      return { again: brokerError('InitProducerId', answer.errorCode, 'idempotent producer') };
    } catch (error) {
      return { again: connectionError(error, 'idempotent producer') };
    }
  };
  const identity = await retryUntil({ platform, deadlineMs: DEADLINE_MS }, attempt);
  return new BatchSender({ port, metadata, transactionalId: null, fault: noFaults }, identity);
}
