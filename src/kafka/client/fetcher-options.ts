import { assert } from '../../util/asserts';
import type { Isolation } from '../port';
import type { ClientContext } from './client-context';

export interface FetcherOptions extends ClientContext {
  readonly isolation: Isolation;
  /**
   * Milliseconds that a broker may hold an answer back while it has no data. Default 250: a partition that is added,
   * resumed or sought joins the next request, so this is the longest it waits behind an idle long poll; four empty
   * requests a second to each broker cost nothing that can be measured.
   */
  readonly maxWaitMs?: number;
  /** Bytes that end the wait. Default 1. */
  readonly minBytes?: number;
  /** Bytes of one answer. Default 8 MiB. */
  readonly maxBytes?: number;
  /** Bytes of one partition in one answer. Default 1 MiB. */
  readonly maxPartitionBytes?: number;
  /** Bytes buffered and asked for, over all partitions. Default 32 MiB. */
  readonly maxBufferedBytes?: number;
  /** Bytes buffered for one partition from which on it is left out of requests. Default 4 MiB. */
  readonly maxBufferedPerPartition?: number;
  /** Largest record batch that is accepted; a larger one stops with TM2006. Default 64 MiB. */
  readonly maxBatchBytes?: number;
  /** How long an error that ought to pass may last (topic unknown, batch corrupt) before it is final. Default 30,000 ms. */
  readonly persistentErrorMs?: number;
  /** Called when {@link Fetcher.poll} has something new to say or {@link Fetcher.isDrained} may have become true. */
  readonly onReady: () => void;
}

export type FetchLimits = Required<Omit<FetcherOptions, keyof ClientContext | 'isolation' | 'onReady'>>;

const MIB = 1024 * 1024;

/** Options with their defaults. */
export function fetchLimits(options: FetcherOptions): FetchLimits {
  const limits = {
    maxWaitMs: options.maxWaitMs ?? 250,
    minBytes: options.minBytes ?? 1,
    maxBytes: options.maxBytes ?? 8 * MIB,
    maxPartitionBytes: options.maxPartitionBytes ?? MIB,
    maxBufferedBytes: options.maxBufferedBytes ?? 32 * MIB,
    maxBufferedPerPartition: options.maxBufferedPerPartition ?? 4 * MIB,
    maxBatchBytes: options.maxBatchBytes ?? 64 * MIB,
    persistentErrorMs: options.persistentErrorMs ?? 30_000,
  };
  assert(
    limits.maxBufferedBytes >= limits.maxPartitionBytes,
    'the fetch buffer holds less than one partition asks for',
  );
  return limits;
}
