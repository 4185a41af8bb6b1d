import type { Receiver, RecordContext } from './operator';

/** Hands every value to several receivers, in the order of the graph. */
class Broadcast implements Receiver<unknown> {
  private readonly receivers: readonly Receiver<unknown>[];

  constructor(receivers: readonly Receiver<unknown>[]) {
    this.receivers = receivers;
  }

  receive(value: unknown, ctx: RecordContext): void {
    for (const receiver of this.receivers) receiver.receive(value, ctx);
  }
}

const DISCARD: Receiver<unknown> = { receive: () => undefined };

/** One receiver for all of them: itself when there is only one, so that the hot path has no loop. */
export function fanOut(receivers: readonly Receiver<unknown>[]): Receiver<unknown> {
  const [first] = receivers;
  if (first === undefined) return DISCARD;
  return receivers.length === 1 ? first : new Broadcast(receivers);
}
