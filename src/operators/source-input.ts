import type { SourceNode } from '../topology/graph';
import type { InputHandler, RawRecord, Receiver, RecordContext } from './operator';
import { decodeFailure, operatorFailure } from './record-errors';

/**
 * Decodes the records of a source topic and pushes them into the chain. A null value (tombstone) arrives as null, a
 * null key as undefined, as in Kafka Streams. The key is left undefined when `readsKey` is false: every way leads
 * through a keyBy, which sets its own.
 *
 * Throws TM3001 for what cannot be decoded, TM3002 for what an operator threw; operators themselves do not wrap.
 */
export class SourceInput implements InputHandler {
  private readonly node: SourceNode;
  private readonly readsKey: boolean;
  private readonly downstream: Receiver<unknown>;

  constructor(node: SourceNode, readsKey: boolean, downstream: Receiver<unknown>) {
    this.node = node;
    this.readsKey = readsKey;
    this.downstream = downstream;
  }

  handle(record: RawRecord, ctx: RecordContext): void {
    ctx.key = this.readsKey && record.keyStart !== -1 ? this.readKey(record, ctx) : undefined;
    const value = record.valueStart === -1 ? null : this.readValue(record, ctx);
    try {
      this.downstream.receive(value, ctx);
    } catch (error) {
      throw operatorFailure(error, ctx);
    }
  }

  private readKey(record: RawRecord, ctx: RecordContext): unknown {
    const { key } = this.node;
    try {
      return key.read(record.buffer, record.keyStart, record.keyEnd);
    } catch (error) {
      throw decodeFailure('key', key.name, error, ctx);
    }
  }

  private readValue(record: RawRecord, ctx: RecordContext): unknown {
    const { value } = this.node;
    try {
      return value.read(record.buffer, record.valueStart, record.valueEnd);
    } catch (error) {
      throw decodeFailure('value', value.name, error, ctx);
    }
  }
}
