/**
 * Tidemark: Kafka-native exactly-once stream processing. A job is described with {@link defineJob} and run by the
 * command `tidemark run`; docs/dsl.md shows the whole DSL.
 *
 * @packageDocumentation
 */
export { defineJob, isJob, type Job } from './dsl/job';
export type { Context } from './dsl/context';
export type { BadInput, JobEnvironment, SourceOptions } from './dsl/env';
export {
  mapState,
  valueState,
  type MapState,
  type MapStateSpec,
  type StateSpecs,
  type ValueState,
  type ValueStateSpec,
} from './dsl/state';
export type {
  AggregateOptions,
  KeyByOptions,
  KeyedStream,
  PartitionedStream,
  ProcessContext,
  ProcessOptions,
  SinkOptions,
  StateName,
  Stream,
} from './dsl/stream';
export { isTidemarkError, TidemarkError, type ErrorCode } from './errors';
export { bytes, json, number, orderedKey, serde, string, type Serde, type SerdeFunctions } from './serde';
export type { RecordHeader } from './serde/record-header';
export type { KeyPart, StateKey } from './state/store';
export { ByteWriter } from './util/byte-writer';
export type { CodeOptions } from './config/options';
export { runJob, type RunJobExtras } from './run-job';
export type {
  ExecutorStatus,
  InputPosition,
  JobRun,
  JobState,
  JobStatus,
  TaskState,
  TaskStatus,
} from './runtime/run-api';
export type { Logger } from './util/logger';
