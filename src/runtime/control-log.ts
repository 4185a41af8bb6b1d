import { openIdempotentSender } from '../epoch/transaction/idempotent-sender';
import { TidemarkError } from '../errors';
import type { ClientContext } from '../kafka/client/client-context';
import { readLog } from '../kafka/client/log-reader';
import { waitForStable } from '../kafka/client/offsets';
import { describeTopics, ensureTopics } from '../kafka/client/topic-admin';
import { BatchBuilder } from '../kafka/codec/batch-builder';
import type { Formats } from '../topology/formats';

/**
 * One version of the internal topics, and what they were made for: what every instance must agree on. It carries no
 * time and no name of its writer, so that instances that start together write the same record.
 */
export interface IncarnationRecord {
  readonly v: 1;
  readonly incarnation: number;
  readonly fingerprint: string;
  readonly stages: readonly string[];
  /** Of shuffle topics. */
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** Source topic → its partitions when the incarnation began. */
  readonly sources: Readonly<Record<string, number>>;
  /** Source topic → topic id: the offsets of commit records mean nothing in a topic that was created anew. */
  readonly sourceIds: Readonly<Record<string, string>>;
  /** Of state and shuffles, see `topology/formats.ts`. */
  readonly formats: Formats;
  /** Internal topic → topic id: a topic that was deleted and created anew has lost the job's state. */
  readonly topics: Readonly<Record<string, string>>;
}

const INCARNATION_KEY = 'incarnation';
const MAX_RECORD_BYTES = 900_000;
const READ_DEADLINE_MS = 75_000;

/** The application's control topic: one partition, compacted, never deleted by time (PROTOCOL D6). */
export class ControlLog {
  private readonly client: ClientContext;
  private readonly topic: string;

  constructor(client: ClientContext, topic: string) {
    this.client = client;
    this.topic = topic;
  }

  /** Creates the topic when it is not there. */
  ensure(replicationFactor: number, configs: Readonly<Record<string, string>>): Promise<void> {
    const topic = {
      topic: this.topic,
      partitions: 1,
      replicationFactor,
      configs: { ...configs, 'cleanup.policy': 'compact' },
    };
    return ensureTopics(this.client.port, this.client.platform, [topic]);
  }

  /** The record that stands; null before the application's first start. */
  async incarnation(): Promise<IncarnationRecord | null> {
    const found = await describeTopics(this.client.port, [this.topic]);
    if (found.get(this.topic) == null) return null;
    const partition = { topic: this.topic, partition: 0 };
    const to = await waitForStable(this.client, { ...partition, deadlineMs: READ_DEADLINE_MS });
    let record: IncarnationRecord | null = null;
    await readLog({
      ...this.client,
      ...partition,
      from: 'earliest',
      to,
      isolation: 'read_committed',
      onChunk: (cursor) => {
        while (cursor.next()) {
          const key = cursor.buffer.toString('utf8', cursor.keyStart, cursor.keyEnd);
          if (key !== INCARNATION_KEY || cursor.valueStart < 0) continue;
          record = this.parse(
            cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd),
            cursor.offset,
          );
        }
      },
    });
    return record;
  }

  async writeIncarnation(record: IncarnationRecord): Promise<void> {
    await this.append(INCARNATION_KEY, JSON.stringify(record));
  }

  /** Outside any transaction, by an idempotent producer (D6). */
  private async append(key: string, value: string): Promise<void> {
    const builder = new BatchBuilder({ maxBatchBytes: MAX_RECORD_BYTES });
    const [keyBytes, valueBytes] = [Buffer.from(key), Buffer.from(value)];
    const now = this.client.platform.clock.now();
    builder.appendBytes(now, keyBytes, 0, keyBytes.length, valueBytes, 0, valueBytes.length, null);
    const sender = await openIdempotentSender(this.client);
    await sender.send([{ topic: this.topic, partition: 0, batches: builder.take() }]);
  }

  private parse(text: string, offset: number): IncarnationRecord {
    const where = `${this.topic}-0@${offset}`;
    try {
      const record = JSON.parse(text) as IncarnationRecord;
      if (record.v === 1) return record;
      throw new Error(`version ${String(record.v)}`);
    } catch (cause) {
      throw new TidemarkError(
        'TM4007',
        'usage',
        'the control topic has a record that this program cannot read',
        {
          where,
          hint: 'a newer version of the program may have written it: run that version',
          cause,
        },
      );
    }
  }
}
