import type { ProducerIdentity } from '../../kafka/port';
import type { CommitReceipt, EpochPayload } from './epoch-payload';

/**
 * Commits epochs: with transactions (EXACTLY_ONCE, `transactional-producer.ts`) or without (AT_LEAST_ONCE,
 * `at-least-once-producer.ts`). One commit at a time; after any failure {@link fence} before the next.
 */
export interface EpochCommitter {
  /** Transactional id, or a name in its place. */
  readonly transactionalId: string;
  /** Null before the first {@link fence}. */
  readonly current: ProducerIdentity | null;
  /** A commit has failed and may have left a transaction open that only {@link fence}, or its time-out, will end. */
  readonly inDoubt: boolean;
  fence(how: 'own' | 'takeover'): Promise<ProducerIdentity>;
  commit(payload: EpochPayload): Promise<CommitReceipt>;
}
