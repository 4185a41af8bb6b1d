import type { Serde } from '../serde/serde';
import type { StateKey } from '../state/store';
import type { StartFrom } from '../topology/graph';
import type { PartitionedStream, Stream } from './stream';

/** A record that cannot be read, or whose operator throws: stop the job, count and skip it, or write it to a topic. */
export type BadInput = 'fail' | 'skip' | { readonly deadLetter: string };

/** How the records of a topic are read. */
export interface SourceOptions<T, K> {
  /** Default: json(). */
  readonly value?: Serde<T>;
  /** Default: string(). Not read when everything goes through a keyBy first. */
  readonly key?: Serde<K>;
  /** Where a partition begins that the application has never committed; default: earliest. */
  readonly startFrom?: StartFrom;
  /** Default: the job's `fail`. */
  readonly badInput?: BadInput;
}

interface PartitionedBy<T, K> {
  /**
   * The producers' key, as a function of the value: the topic is partitioned by it, with Kafka's default partitioner
   * over the `key` serde. A keyBy of this function then needs no shuffle. Checked for every record (TM3004); such a
   * stage cannot be rescaled apart from its topic.
   */
  readonly partitionedBy: (value: T) => K;
}

/** What a job is described with. Usable only while `defineJob` runs. */
export interface JobEnvironment {
  /**
   * The records of a topic.
   * @throws {TidemarkError} TM1004 for an illegal topic name or option
   */
  source<T = unknown>(
    topic: string,
    options: SourceOptions<T, string> & PartitionedBy<T, string>,
  ): PartitionedStream<string, T>;
  source<T, K extends StateKey>(
    topic: string,
    options: SourceOptions<T, K> & PartitionedBy<T, K> & { readonly key: Serde<K> },
  ): PartitionedStream<K, T>;
  source<T = unknown, K = string>(topic: string, options?: SourceOptions<T, K>): Stream<T>;
}
