import type { RecordHeader } from '../serde/record-header';

/**
 * The record that is being processed, as functions of a job see it. Reused for every record: take out what is needed,
 * never keep it.
 */
export interface Context<K = unknown> {
  /** The current key: the source's Kafka key (undefined when null) until a keyBy, the grouping key behind it. */
  readonly key: K;
  /** Event time: the Kafka record's timestamp, milliseconds since 1970. */
  readonly timestamp: number;
  /** Where the input record came from; behind a shuffle that is the shuffle topic. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Headers of the input record, decoded on demand; empty behind a shuffle. */
  headers(): readonly RecordHeader[];
}
