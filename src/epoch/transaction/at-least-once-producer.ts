import { KafkaRequestError, tpKey, type ProducerIdentity } from '../../kafka/port';
import { must } from '../../util/asserts';
import { judgeAnswer } from '../protocol/commit-steps';
import { BatchSender } from './batch-sender';
import type { EpochCommitter } from './committer';
import { stepError } from './epoch-errors';
import type { CommitReceipt, EpochPayload } from './epoch-payload';
import { newProducerId } from './idempotent-sender';
import type { TransactionalProducerOptions } from './transactional-producer';

/**
 * AT_LEAST_ONCE: no transactions, an idempotent producer. Everything else is acknowledged before the changelogs, whose
 * last record is the commit record, are sent; the group's offsets follow (PROTOCOL D9). So a crash in between leaves
 * outputs without their commit record: they come again; never a commit record without its outputs.
 */
export class AtLeastOnceProducer implements EpochCommitter {
  private readonly options: TransactionalProducerOptions;
  private identity: ProducerIdentity | null = null;
  private sender: BatchSender | null = null;

  constructor(options: TransactionalProducerOptions) {
    this.options = options;
  }

  get transactionalId(): string {
    return this.options.transactionalId;
  }

  get current(): ProducerIdentity | null {
    return this.identity;
  }

  /** A new producer id: there is nothing to fence, and old sequence numbers are void. */
  async fence(): Promise<ProducerIdentity> {
    const { transactionTimeoutMs, fault } = this.options;
    this.identity = await newProducerId(this.options, transactionTimeoutMs);
    this.sender = new BatchSender({ ...this.options, transactionalId: null }, this.identity);
    fault('fence.done');
    return this.identity;
  }

  async commit(payload: EpochPayload): Promise<CommitReceipt> {
    const { platform, fault } = this.options;
    const startedAt = platform.clock.monotonic();
    const sender = must(this.sender, 'batch sender');
    const isChangelog = (p: { topic: string; partition: number }): boolean =>
      payload.changelogs.has(tpKey(p.topic, p.partition));
    await sender.send(payload.partitions.filter((p) => !isChangelog(p)));
    fault('produce.all-acked');
    const landings = await sender.send(payload.partitions.filter(isChangelog));
    fault('txn.end-answered');
    await this.commitOffsets(payload);
    fault('txn.offsets-committed');
    return { landings, durationMs: platform.clock.monotonic() - startedAt };
  }

  private async commitOffsets(payload: EpochPayload): Promise<void> {
    const { port, transactionalId } = this.options;
    const answers = await port.offsetCommit(payload.group, payload.offsets).catch((error: unknown) => {
      if (error instanceof KafkaRequestError)
        throw stepError('abort', 'OffsetCommit', null, transactionalId, error);
      throw error;
    });
    const bad = answers.find(({ errorCode }) => errorCode !== 0);
    if (bad === undefined) return;
    const verdict = judgeAnswer('committing-offsets', bad.errorCode, 1);
    const known = verdict === 'clean' || verdict === 'retry' ? 'abort' : verdict;
    throw stepError(known, 'OffsetCommit', bad.errorCode, transactionalId);
  }
}
