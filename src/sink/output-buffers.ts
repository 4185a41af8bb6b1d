import { BatchBuilder } from '../kafka/codec/batch-builder';
import type { CompressionName } from '../kafka/codec/types';
import { tpKey } from '../kafka/port';
import type { PartitionPayload } from '../epoch/transaction/epoch-payload';

export interface OutputLimits {
  /** Least of `kafka.max-batch-bytes` and the topic's own limit: no batch is larger, and so no record (A8). */
  readonly maxBatchBytes: (topic: string) => number;
  readonly compression: CompressionName;
}

interface Slot {
  readonly topic: string;
  readonly partition: number;
  readonly builder: BatchBuilder;
}

/**
 * Everything that an executor writes in the open epoch, encoded straight into record batches, per partition:
 * sink records, shuffle records, dead letters, state changes, commit records. Nothing leaves before the epoch ends.
 */
export class OutputBuffers {
  private readonly slots = new Map<string, Slot>();
  private readonly limits: OutputLimits;

  constructor(limits: OutputLimits) {
    this.limits = limits;
  }

  /** The builder of a partition; callers keep it, it lives as long as this object. */
  builder(topic: string, partition: number): BatchBuilder {
    const key = tpKey(topic, partition);
    let slot = this.slots.get(key);
    if (slot === undefined) {
      slot = {
        topic,
        partition,
        builder: new BatchBuilder({
          maxBatchBytes: this.limits.maxBatchBytes(topic),
          compression: this.limits.compression,
        }),
      };
      this.slots.set(key, slot);
    }
    return slot.builder;
  }

  /** Bytes encoded and not yet taken. */
  get byteLength(): number {
    let total = 0;
    for (const slot of this.slots.values()) total += slot.builder.byteLength;
    return total;
  }

  /** Hands out all batches of the epoch and starts the next. */
  take(): PartitionPayload[] {
    const payload: PartitionPayload[] = [];
    for (const { topic, partition, builder } of this.slots.values()) {
      if (!builder.isEmpty) payload.push({ topic, partition, batches: builder.take() });
    }
    return payload;
  }

  /** Drops what an aborted epoch wrote (A5). */
  discard(): void {
    for (const { builder } of this.slots.values()) if (!builder.isEmpty) builder.take();
  }
}
