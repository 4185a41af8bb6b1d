import { decodeStateKey } from '../serde/ordered-key';
import type { StateKey } from '../state/store';
import type { KeyByNode } from '../topology/graph';
import type { InputHandler, RawRecord, Receiver, RecordContext } from './operator';
import { decodeFailure, operatorFailure } from './record-errors';

/**
 * Decodes what a keyBy of an upstream stage wrote and pushes it into the chain, under its key. The record is the inner
 * one: the runtime has taken off the envelope. Errors as in SourceInput.
 */
export class ShuffleInput implements InputHandler {
  private readonly node: KeyByNode;
  private readonly downstream: Receiver<unknown>;

  constructor(node: KeyByNode, downstream: Receiver<unknown>) {
    this.node = node;
    this.downstream = downstream;
  }

  handle(record: RawRecord, ctx: RecordContext): void {
    ctx.key = this.readKey(record, ctx);
    const value = record.valueStart === -1 ? null : this.readValue(record, ctx);
    try {
      this.downstream.receive(value, ctx);
    } catch (error) {
      throw operatorFailure(error, ctx);
    }
  }

  private readKey(record: RawRecord, ctx: RecordContext): StateKey {
    try {
      return decodeStateKey(record.buffer, record.keyStart, record.keyEnd);
    } catch (error) {
      throw decodeFailure('key', 'a shuffle key', error, ctx);
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
