import type { TransactionVersion } from '../port';
import type { VersionRange } from './api';

/**
 * The version of Produce, TxnOffsetCommit or EndTxn is what tells a broker the producer's transaction version
 * (KIP-890): from `first` on it is 2, below it is 1, whatever else the broker speaks. PROTOCOL A1: a producer never
 * mixes them.
 */
export function versionsOf(
  transactionVersion: TransactionVersion | undefined,
  { minVersion, maxVersion }: VersionRange,
  first: number,
): VersionRange {
  return transactionVersion === 2 ? { minVersion: first, maxVersion } : { minVersion, maxVersion: first - 1 };
}
