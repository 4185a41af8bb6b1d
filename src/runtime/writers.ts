import type { BatchBuilder } from '../kafka/codec/batch-builder';
import type { RecordContext, ShuffleWriter, SinkWriter } from '../operators/operator';
import { orderedKey } from '../serde/ordered-key';
import type { Serde } from '../serde/serde';
import type { OutputBuffers } from '../sink/output-buffers';
import type { StateKey } from '../state/store';
import type { SinkNode } from '../topology/graph';
import { keyGroupOf, partitionOfKeyGroup } from '../topology/key-groups';
import { ByteWriter } from '../util/byte-writer';
import { partitionForKey } from '../util/murmur2';
import type { TopicBounds } from './timestamp-bounds';

/** One builder a partition, looked up by number: no string is built on the hot path. */
function builders(output: OutputBuffers, topic: string, partitions: number): BatchBuilder[] {
  return Array.from({ length: partitions }, (_, partition) => output.builder(topic, partition));
}

/**
 * Writes to a sink topic with Kafka's default partitioner: murmur2 of the key bytes. Records without a key go to the
 * partition that has the number of the input's, so that a replay puts them where they were.
 */
export class KafkaSinkWriter implements SinkWriter {
  private readonly builders: readonly BatchBuilder[];
  private readonly key: Serde<unknown>;
  private readonly value: Serde<unknown>;
  private readonly keyBytes = new ByteWriter(64);
  private readonly bounds: TopicBounds;

  constructor(output: OutputBuffers, node: SinkNode, partitions: number, bounds: TopicBounds) {
    this.bounds = bounds;
    this.builders = builders(output, node.topic, partitions);
    this.key = node.key;
    this.value = node.value;
  }

  write(key: unknown, value: unknown, ctx: RecordContext): void {
    this.bounds.check(ctx.timestamp);
    const count = this.builders.length;
    const valueSerde = value === null || value === undefined ? null : this.value;
    if (key === undefined || key === null) {
      const builder = this.builders[ctx.partition % count] as BatchBuilder;
      builder.append(ctx.timestamp, null, null, valueSerde, value, null);
    } else {
      const scratch = this.keyBytes;
      scratch.reset();
      this.key.write(key, scratch);
      const partition = partitionForKey(scratch.buffer, 0, scratch.position, count);
      const builder = this.builders[partition] as BatchBuilder;
      builder.appendKeyed(ctx.timestamp, scratch.buffer, 0, scratch.position, valueSerde, value, null);
    }
  }
}

/** Writes to a shuffle topic: the partition is that of the key's key group. */
export class KafkaShuffleWriter implements ShuffleWriter {
  private readonly builders: readonly BatchBuilder[];
  private readonly value: Serde<unknown>;
  private readonly maxParallelism: number;
  private readonly keyBytes = new ByteWriter(64);

  /** `value` has the envelope of the writing task. */
  constructor(
    output: OutputBuffers,
    topic: string,
    value: Serde<unknown>,
    parallelism: number,
    maxParallelism: number,
  ) {
    this.builders = builders(output, topic, parallelism);
    this.value = value;
    this.maxParallelism = maxParallelism;
  }

  write(key: StateKey, value: unknown, ctx: RecordContext): void {
    const scratch = this.keyBytes;
    scratch.reset();
    orderedKey.write(key, scratch);
    const group = keyGroupOf(scratch.buffer, 0, scratch.position, this.maxParallelism);
    const partition = partitionOfKeyGroup(group, this.maxParallelism, this.builders.length);
    const builder = this.builders[partition] as BatchBuilder;
    builder.appendKeyed(ctx.timestamp, scratch.buffer, 0, scratch.position, this.value, value, null);
  }
}
