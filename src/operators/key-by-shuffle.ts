import type { KeyByNode } from '../topology/graph';
import { checkedKey } from './group-key';
import type { Receiver, RecordContext, ShuffleWriter } from './operator';

/** The end of a stage: writes each value to the shuffle topic, under its new key. */
export class KeyByShuffleOperator implements Receiver<unknown> {
  private readonly name: string;
  private readonly select: (value: unknown) => unknown;
  private readonly writer: ShuffleWriter;

  constructor(node: KeyByNode, writer: ShuffleWriter) {
    this.name = node.name;
    this.select = node.key as (value: unknown) => unknown;
    this.writer = writer;
  }

  receive(value: unknown, ctx: RecordContext): void {
    const select = this.select;
    this.writer.write(checkedKey(select(value), this.name), value, ctx);
  }
}
