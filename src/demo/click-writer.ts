import type { BatchSender } from '../epoch/transaction/batch-sender';
import { openIdempotentSender } from '../epoch/transaction/idempotent-sender';
import type { ClientContext } from '../kafka/client/client-context';
import { BatchBuilder } from '../kafka/codec/batch-builder';
import { json, string } from '../serde';
import { ByteWriter } from '../util/byte-writer';
import { partitionForKey } from '../util/murmur2';
import type { ClickSource, DemoClick } from './click-source';

const MAX_BATCH_BYTES = 900 * 1024;
const CLICKS_PER_SEND = 20_000;

/** Writes clicks, keyed by user, with an idempotent producer. */
export class ClickWriter {
  private readonly client: ClientContext;
  private readonly topic: string;
  private readonly builders: readonly BatchBuilder[];
  private readonly scratch = new ByteWriter(64);
  private readonly value = json<DemoClick>();
  private sender: BatchSender | null = null;

  constructor(client: ClientContext, topic: string, partitions: number) {
    this.client = client;
    this.topic = topic;
    this.builders = Array.from(
      { length: partitions },
      () => new BatchBuilder({ maxBatchBytes: MAX_BATCH_BYTES }),
    );
  }

  async write(source: ClickSource, count: number, onProgress: (written: number) => void): Promise<void> {
    for (let written = 0; written < count;) {
      const some = Math.min(CLICKS_PER_SEND, count - written);
      for (let i = 0; i < some; i++) this.append(source);
      await this.send();
      written += some;
      onProgress(written);
    }
  }

  private append(source: ClickSource): void {
    const { user, page } = source.next();
    const click = { userId: `u${user}`, page: `/p/${page}`, ts: this.client.platform.clock.now() };
    const { scratch } = this;
    scratch.reset();
    scratch.utf8(click.userId);
    const partition = partitionForKey(scratch.buffer, 0, scratch.position, this.builders.length);
    this.builders[partition]?.append(click.ts, string(), click.userId, this.value, click, null);
  }

  private async send(): Promise<void> {
    this.sender ??= await openIdempotentSender(this.client);
    await this.sender.send(
      this.builders.flatMap((builder, partition) =>
        builder.isEmpty ? [] : [{ topic: this.topic, partition, batches: builder.take() }],
      ),
    );
  }
}
