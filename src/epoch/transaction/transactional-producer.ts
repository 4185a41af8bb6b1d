import { isTidemarkError } from '../../errors';
import { refusalIn } from '../../kafka/client/broker-errors';
import type { MetadataCache } from '../../kafka/client/metadata-cache';
import {
  KafkaRequestError,
  type KafkaPort,
  type ProducerIdentity,
  type TransactionVersion,
  type TxnIdentity,
} from '../../kafka/port';
import { KafkaError } from '../../kafka/protocol/errors';
import { assert, must } from '../../util/asserts';
import type { FaultInjector } from '../../util/fault-points';
import type { Platform } from '../../util/ports';
import {
  isLegalStep,
  judgeAnswer,
  type AnsweredStep,
  type CommitStep,
  type StepVerdict,
} from '../protocol/commit-steps';
import type { EpochCommitter } from './committer';
import { refuseForbidden, stepError } from './epoch-errors';
import type { CommitReceipt, EpochPayload, Landing } from './epoch-payload';
import { BatchSender } from './batch-sender';

export interface TransactionalProducerOptions {
  readonly port: KafkaPort;
  readonly metadata: MetadataCache;
  readonly platform: Platform;
  readonly transactionalId: string;
  readonly transactionTimeoutMs: number;
  readonly fault: FaultInjector;
}

const FIRST_RETRY_MS = 1;
const MAX_RETRY_MS = 50;

/**
 * One executor's transactional producer: one epoch is one transaction.
 *
 * The commit, step by step (PROTOCOL A1, A2; the legal order is a table in `protocol/commit-steps.ts`):
 * 1. Version 1 only: AddPartitionsToTxn for every partition of this epoch, answered clean: nothing is ever taken as
 *    "already added", because EndTxn is answered before its markers are written and an ungated Produce would join the
 *    old transaction.
 * 2. Produce all batches, and in version 1 AddOffsetsToTxn, side by side; every answer clean.
 * 3. TxnOffsetCommit with generation and member id; every partition's answer clean.
 * 4. EndTxn(commit): the single commit point. Only its clean first answer makes a {@link CommitReceipt}.
 *
 * In transaction version 2 (KIP-890) every transaction has a producer epoch of its own: EndTxn's answer brings the next
 * one, so that an early Produce cannot join the old transaction, and the brokers themselves add what is sent. The
 * version is decided by {@link fence} and stands until the next one: a producer never mixes the two.
 *
 * Anything else throws, and {@link fence} must be called before the next commit: an outcome in doubt is resolved by
 * fencing and reading, never guessed (I3, A4).
 */
export class TransactionalProducer implements EpochCommitter {
  private readonly options: TransactionalProducerOptions;
  private identity: ProducerIdentity | null = null;
  private version: TransactionVersion = 1;
  private sender: BatchSender | null = null;
  private step: CommitStep = 'idle';
  private fenced = false;

  constructor(options: TransactionalProducerOptions) {
    this.options = options;
  }

  get transactionalId(): string {
    return this.options.transactionalId;
  }

  get current(): ProducerIdentity | null {
    return this.identity;
  }

  get inDoubt(): boolean {
    return this.step === 'failed' && !this.fenced;
  }

  /**
   * InitProducerId: ends any open transaction of this id and fences every older holder, then forgets all that was
   * known of sequences. Decides the transaction version by what the cluster offers now.
   *
   * In version 2 the identity may be one epoch behind the coordinator's: when EndTxn was done and its answer was lost.
   * The coordinator remembers the last epoch, and answers the same whether EndTxn reached it or not: the epoch after
   * it. Whatever is still on its way under the old one is refused.
   * @param how `own`: as the holder of the identity that this producer has (KIP-360), refused with TM5001 when
   * somebody took it; `takeover`: whoever holds it. A caller that was fenced must hold a current generation first (A4).
   */
  async fence(how: 'own' | 'takeover'): Promise<ProducerIdentity> {
    const { port, transactionalId, transactionTimeoutMs } = this.options;
    const current = how === 'own' ? this.identity : null;
    const { version, answer } = await this.untilDefinite(async () => {
      const offered = await port.transactionVersion();
      const request = { transactionalId, transactionTimeoutMs, current };
      return { version: offered, answer: await port.initProducerId(request) };
    });
    const verdict = judgeAnswer('fencing', answer.errorCode, version);
    if (verdict !== 'clean') {
      throw stepError(
        verdict === 'retry' ? 'abort' : verdict,
        'InitProducerId',
        answer.errorCode,
        transactionalId,
      );
    }
    this.version = version;
    this.step = 'idle';
    this.fenced = false;
    const identity = this.adopt(answer);
    this.options.fault('fence.done');
    return identity;
  }

  /** Commits one epoch. @throws {TidemarkError} whose reaction says what to do; nothing may be guessed from it. */
  async commit(payload: EpochPayload): Promise<CommitReceipt> {
    const { platform, fault } = this.options;
    const startedAt = platform.clock.monotonic();
    const deadline = startedAt + this.options.transactionTimeoutMs;
    try {
      if (this.version === 1) {
        this.enter('adding-partitions');
        await this.addPartitions(payload, deadline);
        fault('txn.partitions-added');
      }
      this.enter('producing');
      const landings = await this.produceAll(payload, deadline);
      fault('produce.all-acked');
      this.enter('committing-offsets');
      await this.commitOffsets(payload, deadline);
      fault('txn.offsets-committed');
      this.enter('ending');
      const next = await this.end();
      fault('txn.end-answered');
      if (this.version === 2) this.adopt(next);
      this.enter('committed');
      this.enter('idle');
      return { landings, durationMs: platform.clock.monotonic() - startedAt };
    } catch (error) {
      if (this.step !== 'failed') this.enter('failed');
      // What is open under this id now is somebody else's: InitProducerId, also with an old epoch, would abort it.
      this.fenced = isTidemarkError(error) && (error.code === 'TM5001' || error.code === 'TM1012');
      throw error;
    }
  }

  private async addPartitions(payload: EpochPayload, deadline: number): Promise<void> {
    const partitions = payload.partitions.map(({ topic, partition }) => ({ topic, partition }));
    await this.answered('AddPartitionsToTxn', deadline, async () => {
      const answers = await this.options.port.addPartitionsToTxn(this.txn(), partitions);
      assert(answers.length === partitions.length, 'AddPartitionsToTxn answered for other partitions');
      refuseForbidden(answers, 'AddPartitionsToTxn', this.judge, this.options.transactionalId);
      return this.worst(answers);
    });
  }

  private async produceAll(payload: EpochPayload, deadline: number): Promise<ReadonlyMap<string, Landing>> {
    const sender = must(this.sender, 'batch sender');
    if (this.version === 2)
      return sender.send(payload.partitions, { platform: this.options.platform, deadline });
    const addOffsets = this.answered(
      'AddOffsetsToTxn',
      deadline,
      async () => {
        const answer = await this.options.port.addOffsetsToTxn(this.txn(), payload.group.groupId);
        return answer.errorCode;
      },
      'adding-partitions',
    );
    const [produced, added] = await Promise.allSettled([sender.send(payload.partitions), addOffsets]);
    if (produced.status === 'rejected') throw produced.reason;
    if (added.status === 'rejected') throw added.reason;
    return produced.value;
  }

  private async commitOffsets(payload: EpochPayload, deadline: number): Promise<void> {
    await this.answered('TxnOffsetCommit', deadline, async () => {
      const answers = await this.options.port.txnOffsetCommit(this.txn(), payload.group, payload.offsets);
      assert(answers.length === payload.offsets.length, 'TxnOffsetCommit answered for other partitions');
      refuseForbidden(answers, 'TxnOffsetCommit', this.judge, this.options.transactionalId);
      return this.worst(answers);
    });
  }

  /**
   * EndTxn is sent once. No answer, or any answer but a clean one, or none that names the next identity where there must
   * be one: in doubt.
   * @returns the identity of the next transaction
   */
  private async end(): Promise<ProducerIdentity> {
    const { port, transactionalId, fault } = this.options;
    let errorCode: number | null = null;
    let next: ProducerIdentity | undefined;
    let cause: unknown;
    try {
      const answer = port.endTxn(this.txn(), true);
      fault('txn.end-sent');
      ({ errorCode, next } = await answer);
    } catch (error) {
      if (!(error instanceof KafkaRequestError)) throw error;
      cause = error;
    }
    const verdict = judgeAnswer('ending', errorCode, this.version);
    if (verdict === 'clean') {
      if (this.version === 1) return must(this.identity, 'producer identity');
      if (next !== undefined) return next;
      throw stepError('abort', 'EndTxn without the next producer epoch', null, transactionalId);
    }
    throw stepError(verdict === 'retry' ? 'abort' : verdict, 'EndTxn', errorCode, transactionalId, cause);
  }

  /** Repeats a request as long as its answers prove that nothing was done and the deadline allows. */
  private async answered(
    api: string,
    deadline: number,
    request: () => Promise<number>,
    step: AnsweredStep = this.step,
  ): Promise<void> {
    const { platform, transactionalId } = this.options;
    for (let pause = FIRST_RETRY_MS; ; pause = Math.min(MAX_RETRY_MS, pause * 2)) {
      let errorCode: number | null = null;
      let cause: unknown;
      try {
        errorCode = await request();
      } catch (error) {
        if (!(error instanceof KafkaRequestError)) throw error;
        cause = error;
      }
      const verdict = judgeAnswer(step, errorCode, this.version);
      if (verdict === 'clean') return;
      if (verdict !== 'retry' || platform.clock.monotonic() > deadline) {
        throw stepError(verdict === 'retry' ? 'abort' : verdict, api, errorCode, transactionalId, cause);
      }
      await platform.scheduler.sleep(pause);
    }
  }

  /** InitProducerId may be repeated by its holder: the broker recognises the identity (KIP-360). */
  private async untilDefinite<T extends { readonly answer: { readonly errorCode: number } }>(
    request: () => Promise<T>,
  ): Promise<T> {
    const { platform, transactionalId, transactionTimeoutMs } = this.options;
    const deadline = platform.clock.monotonic() + transactionTimeoutMs;
    for (let pause = FIRST_RETRY_MS; ; pause = Math.min(MAX_RETRY_MS, pause * 2)) {
      try {
        const outcome = await request();
        if (judgeAnswer('fencing', outcome.answer.errorCode, this.version) !== 'retry') return outcome;
        if (platform.clock.monotonic() > deadline) return outcome;
      } catch (error) {
        if (!(error instanceof KafkaRequestError)) throw error;
        const refusal = refusalIn(error);
        if (refusal !== null) throw refusal; // waiting is the restart strategy's, which says why
        if (platform.clock.monotonic() > deadline)
          throw stepError('abort', error.api, null, transactionalId, error);
      }
      await platform.scheduler.sleep(pause);
    }
  }

  private txn(): TxnIdentity {
    const { transactionalId } = this.options;
    const identity = must(this.identity, 'producer identity');
    return { transactionalId, ...identity, transactionVersion: this.version };
  }

  /** Sequence numbers begin anew with it, when it is a new one. */
  private adopt({ producerId, producerEpoch }: ProducerIdentity): ProducerIdentity {
    this.identity = { producerId, producerEpoch };
    this.sender = new BatchSender({ ...this.options, transactionVersion: this.version }, this.identity);
    return this.identity;
  }

  private readonly judge = (errorCode: number): StepVerdict =>
    judgeAnswer(this.step, errorCode, this.version);

  /** The answer that decides: the first that is not clean and cannot be repeated, else one that can, else 0. */
  private worst(answers: readonly { errorCode: number }[]): number {
    let undecided = 0;
    for (const { errorCode } of answers) {
      if (errorCode === 0) continue;
      // Another partition of the same request is the reason; where none says so, this is no clean answer either.
      if (errorCode === KafkaError.OPERATION_NOT_ATTEMPTED) undecided ||= errorCode;
      else if (this.judge(errorCode) !== 'retry') return errorCode;
      else undecided = errorCode;
    }
    return undecided;
  }

  private enter(step: CommitStep): void {
    assert(isLegalStep(this.step, step, this.version), () => `commit step ${this.step} -> ${step}`);
    this.step = step;
  }
}
