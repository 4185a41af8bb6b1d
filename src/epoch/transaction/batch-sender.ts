import { finishBatch, type SealedBatch } from '../../kafka/codec/batch-builder';
import type { MetadataCache } from '../../kafka/client/metadata-cache';
import {
  KafkaRequestError,
  tpKey,
  type KafkaPort,
  type ProducedPartition,
  type ProducerIdentity,
  type TransactionVersion,
} from '../../kafka/port';
import { assert } from '../../util/asserts';
import type { FaultInjector } from '../../util/fault-points';
import type { Platform } from '../../util/ports';
import { judgeAnswer, type StepVerdict } from '../protocol/commit-steps';
import { stepError } from './epoch-errors';
import type { Landing, PartitionPayload } from './epoch-payload';

/** Requests under way to one broker: enough to keep the pipe full; the broker keeps the last five per producer. */
const MAX_IN_FLIGHT = 4;
/** A request carries one batch a partition, and at most this many bytes unless a single batch is larger. */
const MAX_REQUEST_BYTES = 8 * 1024 * 1024;
const MAX_SEQUENCE = 2 ** 31;
const FIRST_RETRY_MS = 1;
const MAX_RETRY_MS = 50;

/** A produce request being put together: for one broker, at most one batch a partition. */
interface Round {
  readonly sends: PlannedBatch[];
  /** It holds the first batches of its partitions. */
  readonly opens: boolean;
  bytes: number;
}
interface PlannedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly baseSequence: number;
  readonly sealed: SealedBatch;
}

/** In transaction version 2: how long batches may be kept waiting for the markers of the last transaction. */
export interface JoiningSender {
  readonly platform: Platform;
  /** By the monotonic clock. */
  readonly deadline: number;
}

/**
 * Sends the batches of one producer identity and counts its sequence numbers. Nothing that may have been appended is
 * ever sent again: any answer that is not clean ends the identity (the epoch is aborted, InitProducerId starts new
 * sequences), so that a record can neither be missing from a transaction nor be in it twice (HAZARDS: both happen when
 * sends are repeated).
 *
 * The one exception is transaction version 2, where a partition's first batch takes it into the transaction: a refusal
 * that proves that nothing was appended (`commit-steps.ts`) is answered by the same batch. Until the first batches of
 * all partitions are in, no second one is sent: it would arrive out of sequence.
 */
export class BatchSender {
  private readonly sequences = new Map<string, number>();
  private readonly options: {
    readonly port: KafkaPort;
    readonly metadata: MetadataCache;
    readonly transactionalId: string | null;
    /** Default 1. */
    readonly transactionVersion?: TransactionVersion;
    readonly fault: FaultInjector;
    readonly requestTimeoutMs?: number;
  };
  private readonly identity: ProducerIdentity;

  constructor(options: BatchSender['options'], identity: ProducerIdentity) {
    this.options = options;
    this.identity = identity;
  }

  /**
   * Resolves when every batch is acknowledged by all in-sync replicas, with where each partition's last one landed.
   * @param joining for transaction version 2; without it nothing is repeated
   */
  async send(
    payload: readonly PartitionPayload[],
    joining: JoiningSender | null = null,
  ): Promise<Map<string, Landing>> {
    const landings = new Map<string, Landing>();
    const rounds = await this.plan(payload);
    const perNode = [...rounds].map(([nodeId, list]) => this.sendRounds(nodeId, list, landings, joining));
    const settled = await Promise.allSettled(perNode);
    for (const result of settled) if (result.status === 'rejected') throw result.reason;
    return landings;
  }

  private async plan(payload: readonly PartitionPayload[]): Promise<Map<number, Round[]>> {
    const byNode = new Map<number, { item: PartitionPayload; leaderEpoch: number }[]>();
    for (const item of payload) {
      const { nodeId, leaderEpoch } = await this.options.metadata.leaderOf(item.topic, item.partition);
      const list = byNode.get(nodeId) ?? [];
      list.push({ item, leaderEpoch });
      byNode.set(nodeId, list);
    }
    const rounds = new Map<number, Round[]>();
    for (const [nodeId, list] of byNode) rounds.set(nodeId, this.planRounds(list));
    return rounds;
  }

  private planRounds(list: readonly { item: PartitionPayload; leaderEpoch: number }[]): Round[] {
    const rounds: Round[] = [];
    const depth = Math.max(...list.map(({ item }) => item.batches.length));
    for (let i = 0; i < depth; i++) {
      const opens = i === 0;
      let round: Round = { sends: [], opens, bytes: 0 };
      rounds.push(round);
      for (const { item, leaderEpoch } of list) {
        const sealed = item.batches[i];
        if (sealed === undefined) continue;
        if (round.bytes > 0 && round.bytes + sealed.buffer.length > MAX_REQUEST_BYTES) {
          round = { sends: [], opens, bytes: 0 };
          rounds.push(round);
        }
        const { topic, partition } = item;
        const baseSequence = this.takeSequence(item, sealed.recordCount);
        round.sends.push({ topic, partition, leaderEpoch, baseSequence, sealed });
        round.bytes += sealed.buffer.length;
      }
    }
    return rounds;
  }

  private takeSequence(item: PartitionPayload, count: number): number {
    const key = tpKey(item.topic, item.partition);
    const first = this.sequences.get(key) ?? 0;
    this.sequences.set(key, (first + count) % MAX_SEQUENCE);
    return first;
  }

  private async sendRounds(
    nodeId: number,
    rounds: readonly Round[],
    landings: Map<string, Landing>,
    joining: JoiningSender | null,
  ): Promise<void> {
    const underWay: Promise<void>[] = [];
    let failure: { readonly error: unknown } | null = null as { readonly error: unknown } | null;
    let opening = joining !== null;
    for (const round of rounds) {
      if (opening && !round.opens) {
        await Promise.all(underWay);
        opening = false;
      }
      if (underWay.length >= MAX_IN_FLIGHT) await underWay[underWay.length - MAX_IN_FLIGHT];
      if (failure !== null) break;
      const sent = this.sendRound(nodeId, round, landings, round.opens ? joining : null).catch(
        (error: unknown) => {
          failure ??= { error };
        },
      );
      underWay.push(sent);
      this.options.fault('produce.first-sent');
    }
    await Promise.all(underWay);
    if (failure !== null) throw failure.error;
  }

  private async sendRound(
    nodeId: number,
    round: Round,
    landings: Map<string, Landing>,
    joining: JoiningSender | null,
  ): Promise<void> {
    const { transactionalId } = this.options;
    let left = round.sends.map((send) => ({
      ...send,
      batch: finishBatch(send.sealed, {
        ...this.identity,
        baseSequence: send.baseSequence,
        transactional: transactionalId !== null,
      }),
    }));
    for (let pause = FIRST_RETRY_MS; ; pause = Math.min(MAX_RETRY_MS, pause * 2)) {
      const repeats = joining !== null && joining.platform.clock.monotonic() < joining.deadline;
      const answers = await this.sendOnce(nodeId, left);
      left = left.filter((sent) => {
        const answer = answers.get(tpKey(sent.topic, sent.partition));
        if (repeats && this.verdict(answer?.errorCode ?? null) === 'retry') return true;
        this.land(sent, answer, landings);
        return false;
      });
      if (left.length === 0 || joining === null) return;
      await joining.platform.scheduler.sleep(pause);
    }
  }

  private async sendOnce(
    nodeId: number,
    sends: readonly (PlannedBatch & { readonly batch: Buffer })[],
  ): Promise<ReadonlyMap<string, ProducedPartition>> {
    const { port, transactionalId, transactionVersion = 1, fault } = this.options;
    const timeoutMs = this.options.requestTimeoutMs ?? 30_000;
    const partitions = sends.map(({ topic, partition, batch }) => ({ topic, partition, batch }));
    const request = { transactionalId, transactionVersion, acks: -1 as const, timeoutMs, partitions };
    const response = await port.produce(nodeId, request).catch((error: unknown) => {
      if (error instanceof KafkaRequestError) throw this.failure(null, sends[0], error);
      throw error;
    });
    assert(response.partitions.length === partitions.length, 'Produce answered for other partitions');
    fault('produce.first-acked');
    return new Map(response.partitions.map((answer) => [tpKey(answer.topic, answer.partition), answer]));
  }

  /** @throws {TidemarkError} when the answer is not clean */
  private land(
    sent: PlannedBatch,
    answer: ProducedPartition | undefined,
    landings: Map<string, Landing>,
  ): void {
    if (answer === undefined || answer.errorCode !== 0) throw this.failure(answer?.errorCode ?? null, sent);
    landings.set(tpKey(sent.topic, sent.partition), {
      nextOffset: Number(answer.baseOffset) + sent.sealed.recordCount,
      appendTime: Number(answer.logAppendTime),
      leaderEpoch: sent.leaderEpoch,
    });
  }

  private verdict(errorCode: number | null): StepVerdict {
    return judgeAnswer('producing', errorCode, this.options.transactionVersion ?? 1);
  }

  private failure(
    errorCode: number | null,
    at: { topic: string; partition: number } | undefined,
    cause?: unknown,
  ): Error {
    if (at !== undefined) this.options.metadata.invalidate(at.topic);
    const verdict = this.verdict(errorCode);
    const what = `Produce to ${at === undefined ? 'a broker' : tpKey(at.topic, at.partition)}`;
    const id = this.options.transactionalId ?? 'idempotent producer';
    return stepError(
      verdict === 'clean' || verdict === 'retry' ? 'abort' : verdict,
      what,
      errorCode,
      id,
      cause,
    );
  }
}
