import type { KeyByNode, SinkNode, SourceNode } from '../topology/graph';
import type { KeyValueStore, StateKey, StoreSpec } from '../state/store';
import type { RecordHeader } from '../serde/record-header';

/**
 * The record that is being processed, reused for every record of a task: operators must not keep it.
 * `key` is the current key: the source's Kafka key (undefined when null) until a keyBy, the grouping key behind it.
 */
export interface RecordContext {
  key: unknown;
  /** Event time: the Kafka record's timestamp, milliseconds. */
  timestamp: number;
  /** Where the record came from: also for error messages. */
  topic: string;
  partition: number;
  offset: number;
  /** Lazily decoded headers of the input record; empty behind a shuffle. */
  headers(): readonly RecordHeader[];
}

/** The receiving end of an operator. Synchronous; may throw: the runtime applies the bad-input policy. */
export interface Receiver<T> {
  receive(value: T, ctx: RecordContext): void;
}

/** A raw input record, a view of a fetch buffer: valid only during the call. -1 as start and end: null. */
export interface RawRecord {
  readonly buffer: Buffer;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** Where a task's chain starts: decodes and pushes. `ctx` has topic, partition, offset and timestamp set. */
export interface InputHandler {
  handle(record: RawRecord, ctx: RecordContext): void;
}

/** Writes a record to a sink topic within the current epoch. An undefined key and a null value are written as null. */
export interface SinkWriter {
  write(key: unknown, value: unknown, ctx: RecordContext): void;
}
/** Writes a record to a shuffle topic within the current epoch. A null value comes out as null behind the shuffle. */
export interface ShuffleWriter {
  write(key: StateKey, value: unknown, ctx: RecordContext): void;
}

/**
 * What the runtime hands to a stage when it builds the operator chain of one task. The law "operators never touch
 * Kafka or the clock" is this interface: there is nothing else to reach for.
 */
export interface TaskEnvironment {
  readonly stage: string;
  readonly partition: number;
  /** Opens a store that the stage declared. */
  store(spec: StoreSpec): KeyValueStore<unknown>;
  sink(node: SinkNode): SinkWriter;
  shuffle(node: KeyByNode): ShuffleWriter;
  /** Number of partitions of a source topic: for the check of `partitionedBy`. */
  sourcePartitions(node: SourceNode): number;
}
