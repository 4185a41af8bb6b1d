import { TidemarkError } from '../errors';
import { ByteWriter } from '../util/byte-writer';
import { partitionForKey } from '../util/murmur2';
import type { StateKey } from '../state/store';
import type { KeyByNode, SourceNode } from '../topology/graph';
import { checkedKey } from './group-key';
import type { Receiver, RecordContext } from './operator';
import { whereOf } from './record-errors';

/**
 * A keyBy without shuffle: the source says that it is partitioned by this key, and every record is checked against
 * that claim (Kafka's default partitioner over the key serde). A record elsewhere would be counted by a second task.
 * Invariant: `ctx.key` is the caller's again afterwards, for its other consumers.
 */
export class KeyByInPlaceOperator implements Receiver<unknown> {
  private readonly node: KeyByNode;
  private readonly source: SourceNode;
  private readonly partitions: number;
  private readonly select: (value: unknown) => unknown;
  private readonly downstream: Receiver<unknown>;
  private readonly scratch = new ByteWriter(64);

  /** @param partitions of the source's topic */
  constructor(node: KeyByNode, source: SourceNode, partitions: number, downstream: Receiver<unknown>) {
    this.node = node;
    this.source = source;
    this.partitions = partitions;
    this.select = node.key as (value: unknown) => unknown;
    this.downstream = downstream;
  }

  receive(value: unknown, ctx: RecordContext): void {
    const select = this.select;
    const key = checkedKey(select(value), this.node.name);
    const partition = this.partitionOf(key);
    if (partition !== ctx.partition) throw this.misplaced(partition, ctx);
    const outer = ctx.key;
    ctx.key = key;
    this.downstream.receive(value, ctx);
    ctx.key = outer;
  }

  private partitionOf(key: StateKey): number {
    const { scratch } = this;
    scratch.reset();
    this.source.key.write(key, scratch);
    return partitionForKey(scratch.buffer, 0, scratch.position, this.partitions);
  }

  private misplaced(expected: number, ctx: RecordContext): TidemarkError {
    const what = `by its key the record belongs to partition ${expected} of ${this.partitions}`;
    return new TidemarkError('TM3004', 'stop', what, {
      where: whereOf(ctx),
      hint: `'${this.source.topic}' is not partitioned as partitionedBy says: remove partitionedBy, and keyBy will shuffle`,
    });
  }
}
