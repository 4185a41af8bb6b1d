import { tpKey, type GroupIdentity, type TxnOffset } from '../kafka/port';
import type { OutputBuffers } from '../sink/output-buffers';
import { assert, must } from '../util/asserts';
import type { FaultInjector } from '../util/fault-points';
import type { Platform } from '../util/ports';
import type { CommitRecord } from './protocol/commit-record';
import {
  decideEpoch,
  smoothCommitDuration,
  type EpochDecision,
  type EpochEnd,
  type EpochFacts,
  type EpochLimits,
} from './protocol/epoch-trigger';
import type { EpochCommitter } from './transaction/committer';
import type { Landing } from './transaction/epoch-payload';

/** What an epoch needs of a task. `Sealed` is opaque to the epoch. */
export interface EpochTask<Sealed extends { readonly record: CommitRecord }> {
  readonly name: string;
  readonly moved: boolean;
  readonly urgent: boolean;
  readonly changelogPartition: { readonly topic: string; readonly partition: number };
  readonly inputs: readonly { readonly topic: string; readonly partition: number }[];
  readonly state: { readonly dirtyBytes: number };
  seal(by: {
    generation: number;
    transactionalId: string;
    producerId: string;
    producerEpoch: number;
  }): Sealed;
  committed(sealed: Sealed, landing: Landing): Promise<void>;
}

export interface EpochCycleOptions {
  readonly platform: Platform;
  readonly limits: EpochLimits;
  readonly output: OutputBuffers;
  readonly committer: EpochCommitter;
  /** Sink topics, as against internal ones: for the statistics. */
  readonly isSink: (topic: string) => boolean;
  readonly fault: FaultInjector;
  /** Something changed that the executor may be waiting for. */
  readonly wake: () => void;
}

/** What the executor knows of the moment. */
export type EpochCircumstances = Pick<EpochFacts, 'drained' | 'revoking' | 'stopping'> &
  Partial<Pick<EpochFacts, 'mustEnd'>>;

export interface EpochStatistics {
  epochs: number;
  /** Records of committed epochs in sink topics. */
  recordsOut: number;
  lastCommitMs: number | null;
  /** By reason of the end. */
  readonly ends: Map<EpochEnd, number>;
}

/** Passing over control records moves positions without a record; that may wait this long, so that lag reaches zero. */
const QUIET_COMMIT_AFTER_MS = 1000;

/**
 * The rhythm of an executor's epochs (DESIGN §3): when the open one ends, what goes into its transaction, and that at
 * most one is being committed while the next is processed.
 *
 * Invariant: what was taken from the output buffers and sealed in the tasks is committed as one transaction or not at
 * all; after a failure nothing further is sealed until {@link drop}.
 */
export class EpochCycle<Sealed extends { readonly record: CommitRecord }> {
  readonly statistics: EpochStatistics = { epochs: 0, recordsOut: 0, lastCommitMs: null, ends: new Map() };
  private readonly options: EpochCycleOptions;
  private startedAt: number | null = null;
  private quietSince: number | null = null;
  private commitDurationMs = 0;
  private lastCommitEndedAt = -Infinity;
  private inFlight: Promise<void> | null = null;
  private failure: { readonly error: unknown } | null = null;

  constructor(options: EpochCycleOptions) {
    this.options = options;
  }

  get committing(): boolean {
    return this.inFlight !== null;
  }

  /** Has the open epoch begun? */
  get open(): boolean {
    return this.startedAt !== null;
  }

  /** Looks at the tasks after a slice of work and decides what is to be done now. */
  decide(tasks: readonly EpochTask<Sealed>[], circumstances: EpochCircumstances): EpochDecision {
    const now = this.options.platform.clock.monotonic();
    this.noticeWork(tasks, now, circumstances.revoking || circumstances.stopping);
    const decision = decideEpoch(
      {
        now,
        startedAt: this.startedAt,
        lastCommitEndedAt: this.lastCommitEndedAt,
        commitDurationMs: this.commitDurationMs,
        commitInFlight: this.inFlight !== null,
        dirtyBytes: tasks.reduce((sum, task) => sum + task.state.dirtyBytes, 0),
        outputBytes: this.options.output.byteLength,
        mustEnd: false,
        ...circumstances,
      },
      this.options.limits,
    );
    if (decision.kind !== 'process' || this.quietSince === null || this.startedAt !== null) return decision;
    return {
      kind: 'process',
      recheckAt: Math.min(decision.recheckAt, this.quietSince + QUIET_COMMIT_AFTER_MS),
    };
  }

  /** Seals the open epoch and starts its commit; returns at once. The outcome is in {@link settle}. */
  end(tasks: readonly EpochTask<Sealed>[], group: GroupIdentity, reason: EpochEnd): void {
    assert(this.inFlight === null && this.failure === null, 'an epoch ends while another is being committed');
    const { committer, output, fault, wake } = this.options;
    const identity = must(committer.current, 'producer identity');
    const by = {
      generation: group.generationId,
      transactionalId: committer.transactionalId,
      producerId: String(identity.producerId),
      producerEpoch: identity.producerEpoch,
    };
    const sealed = tasks.filter((task) => task.moved).map((task) => ({ task, epoch: task.seal(by) }));
    const partitions = output.take();
    this.startedAt = null;
    this.quietSince = null;
    fault('epoch.sealed');
    this.statistics.ends.set(reason, (this.statistics.ends.get(reason) ?? 0) + 1);
    this.inFlight = this.commit(sealed, { partitions, group })
      .catch((error: unknown) => {
        this.failure = { error };
      })
      .finally(() => {
        this.inFlight = null;
        wake();
      });
  }

  /** Waits until no commit is on its way. @throws what the commit threw */
  async settle(): Promise<void> {
    if (this.inFlight !== null) await this.inFlight;
    this.check();
  }

  /** @throws what the last commit threw, as long as it was not dropped */
  check(): void {
    if (this.failure !== null) throw this.failure.error;
  }

  /** Forgets the open epoch and a failed one, with everything they wrote (A5). No commit may be on its way. */
  async drop(): Promise<void> {
    if (this.inFlight !== null) await this.inFlight;
    this.options.output.discard();
    this.startedAt = null;
    this.quietSince = null;
    this.failure = null;
  }

  private noticeWork(tasks: readonly EpochTask<Sealed>[], now: number, hurry: boolean): void {
    if (this.startedAt !== null) return;
    if (tasks.some((task) => task.urgent)) {
      this.startedAt = now;
    } else if (tasks.some((task) => task.moved)) {
      this.quietSince ??= now;
      if (hurry || now - this.quietSince >= QUIET_COMMIT_AFTER_MS) this.startedAt = this.quietSince;
    } else {
      this.quietSince = null;
    }
  }

  private countSinkRecords(partitions: ReturnType<OutputBuffers['take']>): number {
    return partitions
      .filter(({ topic }) => this.options.isSink(topic))
      .reduce((sum, { batches }) => sum + batches.reduce((count, batch) => count + batch.recordCount, 0), 0);
  }

  private async commit(
    sealed: readonly { task: EpochTask<Sealed>; epoch: Sealed }[],
    what: { partitions: ReturnType<OutputBuffers['take']>; group: GroupIdentity },
  ): Promise<void> {
    const { committer, platform, fault } = this.options;
    const changelogs = new Set(sealed.map(({ task }) => keyOf(task.changelogPartition)));
    const receipt = await committer.commit({ ...what, changelogs, offsets: sealed.flatMap(offsetsOf) });
    this.commitDurationMs = smoothCommitDuration(this.commitDurationMs, receipt.durationMs);
    this.lastCommitEndedAt = platform.clock.monotonic();
    this.statistics.epochs++;
    this.statistics.recordsOut += this.countSinkRecords(what.partitions);
    this.statistics.lastCommitMs = receipt.durationMs;
    const applied = sealed.map(({ task, epoch }) =>
      task.committed(
        epoch,
        must(receipt.landings.get(keyOf(task.changelogPartition)), 'landing of a commit record'),
      ),
    );
    const results = await Promise.allSettled(applied);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    fault('local.applied');
  }
}

function keyOf({ topic, partition }: { topic: string; partition: number }): string {
  return tpKey(topic, partition);
}

function offsetsOf<Sealed extends { readonly record: CommitRecord }>(item: {
  task: EpochTask<Sealed>;
  epoch: Sealed;
}): TxnOffset[] {
  return item.task.inputs.map(({ topic, partition }) => ({
    topic,
    partition,
    offset: BigInt(must(item.epoch.record.offsets[topic], 'sealed offset')),
    leaderEpoch: -1,
    metadata: null,
  }));
}
