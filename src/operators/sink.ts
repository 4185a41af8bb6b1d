import type { Receiver, RecordContext, SinkWriter } from './operator';

/** The end of a chain: writes each value to the sink topic, under the current key. */
export class SinkOperator implements Receiver<unknown> {
  private readonly writer: SinkWriter;

  constructor(writer: SinkWriter) {
    this.writer = writer;
  }

  receive(value: unknown, ctx: RecordContext): void {
    this.writer.write(ctx.key, value, ctx);
  }
}
