import { isTidemarkError, TidemarkError } from '../errors';
import { isKafkaRequestError } from '../kafka/client/broker-errors';
import { describeTopics } from '../kafka/client/topic-admin';
import { tpKey, type TopicPartition } from '../kafka/port';
import { kafkaErrorName } from '../kafka/protocol/errors';
import type { ExecutorContext } from './executor-context';
import { sourceAnew } from './job-checks';
import type { Task } from './task';

const EVERY_MS = 30_000;

/**
 * What an executor does now and then, beside its epochs: deletes shuffle records that are behind every committed
 * offset (PROTOCOL D8), and looks whether a source has grown partitions or was created anew. Failures of the brokers are left to the next
 * time; only what the job must not live with is kept for {@link check}.
 */
export class Housekeeping {
  private readonly context: ExecutorContext;
  private readonly purged = new Map<string, number>();
  private dueAt: number;
  private busy: Promise<void> | null = null;
  private failure: { readonly error: unknown } | null = null;

  constructor(context: ExecutorContext) {
    this.context = context;
    this.dueAt = context.platform.clock.monotonic() + EVERY_MS;
  }

  /** Starts a round when one is due. @throws {TidemarkError} TM4003, TM4006 that an earlier round has found */
  tick(tasks: readonly Task[]): void {
    if (this.failure !== null) throw this.failure.error;
    if (this.busy !== null || this.context.platform.clock.monotonic() < this.dueAt) return;
    this.dueAt = this.context.platform.clock.monotonic() + EVERY_MS;
    this.busy = this.round(tasks)
      .catch((error: unknown) => this.note(error))
      .finally(() => {
        this.busy = null;
      });
  }

  /** Waits for a round under way. */
  async close(): Promise<void> {
    if (this.busy !== null) await this.busy;
  }

  private async round(tasks: readonly Task[]): Promise<void> {
    await this.checkSources();
    await this.purgeShuffles(tasks);
  }

  private async checkSources(): Promise<void> {
    const { port, plan, topics, config } = this.context;
    const found = await describeTopics(port, [...plan.sources.keys()]);
    for (const [topic, before] of plan.sources) {
      const source = found.get(topic);
      // A source that is gone is the fetcher's trouble, until it is there again.
      if (source == null) continue;
      if (source.topicId !== topics.of(topic).topicId) throw sourceAnew(topic, config.applicationId, 'stop');
      const now = source.partitions.length;
      if (now === before) continue;
      throw new TidemarkError(
        'TM4006',
        'stop',
        `source ${topic} had ${before} partitions and now has ${now}`,
        {
          where: `topic ${topic}`,
          hint: `keys may have moved between partitions; start over with \`tidemark reset ${config.applicationId}\``,
        },
      );
    }
  }

  private async purgeShuffles(tasks: readonly Task[]): Promise<void> {
    const { metadata, port, logger } = this.context;
    const byLeader = new Map<number, (TopicPartition & { offset: bigint })[]>();
    for (const task of tasks) {
      for (const input of task.inputs) {
        const key = tpKey(input.topic, input.partition);
        if (!input.shuffle || input.committed <= (this.purged.get(key) ?? 0)) continue;
        const { nodeId } = await metadata.leaderOf(input.topic, input.partition);
        const list = byLeader.get(nodeId) ?? [];
        list.push({ topic: input.topic, partition: input.partition, offset: BigInt(input.committed) });
        byLeader.set(nodeId, list);
      }
    }
    for (const [nodeId, offsets] of byLeader) {
      const answers = await port.deleteRecords(offsets, nodeId);
      const asked = new Map(offsets.map((tp) => [tpKey(tp.topic, tp.partition), Number(tp.offset)]));
      for (const { topic, partition, errorCode } of answers) {
        const key = tpKey(topic, partition);
        if (errorCode === 0) this.purged.set(key, asked.get(key) ?? 0);
        else
          logger.debug('shuffle records not deleted', {
            topic,
            partition,
            reason: kafkaErrorName(errorCode),
          });
      }
    }
  }

  private note(error: unknown): void {
    const passing = isTidemarkError(error) ? error.reaction !== 'stop' : isKafkaRequestError(error);
    if (passing) this.context.logger.debug('housekeeping put off', { reason: (error as Error).message });
    else this.failure = { error };
  }
}
