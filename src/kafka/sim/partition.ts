import type { Cancel } from '../../util/ports';
import { PartitionLog, type LogBatch } from './partition-log';
import { placedBatch } from './record-rewrite';
import type { TopicConfig } from './topic-config';

/** What a partition asks of the cluster that it is in. */
export interface PartitionHost {
  now(): number;
  isAlive(nodeId: number): boolean;
  /** A batch has been appended: followers will have it after a while. */
  replicateLater(copy: () => void): void;
  /** One of `count` possibilities, by chance. */
  pick(count: number): number;
}

/** How an append that waits for the in-sync replicas ended. */
export type Replicated = 'done' | 'leader-moved' | 'timed-out';

/** Below its true one a new leader's high watermark lies by so many batches at most. */
const STALE_BATCHES = 4;

/**
 * One partition with its replicas. There is one log: what the leader has. Followers are what is below the high
 * watermark for certain, and perhaps more: when the leader changes, chance decides how much of the tail that nobody was
 * told of survives, and how far behind the new leader's high watermark is at first (KIP-207).
 */
export class Partition {
  readonly topic: string;
  readonly partition: number;
  readonly replicas: readonly number[];
  readonly log = new PartitionLog();
  readonly config: TopicConfig;
  isr: readonly number[];
  /** -1: none. */
  leader: number;
  leaderEpoch = 0;
  highWatermark = 0;
  deleted = false;
  /** Where the present leader's epoch begins: below it the high watermark may be behind. */
  private epochStart = 0;
  private readonly host: PartitionHost;
  private readonly watchers = new Set<() => void>();

  constructor(
    id: { readonly topic: string; readonly partition: number },
    replicas: readonly number[],
    config: TopicConfig,
    host: PartitionHost,
  ) {
    this.topic = id.topic;
    this.partition = id.partition;
    this.replicas = replicas;
    this.isr = replicas.filter((nodeId) => host.isAlive(nodeId));
    this.leader = this.isr[0] ?? -1;
    this.config = config;
    this.host = host;
  }

  get lastStableOffset(): number {
    return this.log.producers.lastStableOffset(this.highWatermark, this.log.startOffset);
  }

  /** The new leader does not know yet how far the followers are (KIP-207). */
  get watermarkIsBehind(): boolean {
    return this.epochStart > this.highWatermark;
  }

  isLedBy(nodeId: number): boolean {
    return !this.deleted && this.leader === nodeId && this.host.isAlive(nodeId);
  }

  /** Tells of every append, every move of the high watermark, every change of the leader. */
  watch(tell: () => void): Cancel {
    this.watchers.add(tell);
    return () => void this.watchers.delete(tell);
  }

  append(batch: Buffer): LogBatch {
    const appendTime = this.config.logAppendTime ? this.host.now() : null;
    const placed = placedBatch(batch, this.log.endOffset, this.leaderEpoch, appendTime);
    const appended = this.log.append(placed, this.config);
    this.replicate();
    return appended;
  }

  /** Resolves when all in-sync replicas have what lies below `endOffset`. */
  replicated(endOffset: number, after: (fn: () => void) => Cancel): Promise<Replicated> {
    const epoch = this.leaderEpoch;
    return new Promise((resolve) => {
      const end = (how: Replicated): void => {
        stopWatching();
        cancelTimer();
        resolve(how);
      };
      const look = (): void => {
        if (this.leaderEpoch !== epoch || this.deleted) end('leader-moved');
        else if (this.highWatermark >= endOffset) end('done');
      };
      const stopWatching = this.watch(look);
      const cancelTimer = after(() => end('timed-out'));
      look();
    });
  }

  /** A replica that is in sync takes the lead; -1: nobody is there. */
  elect(leader: number): void {
    const restarted = leader === this.leader;
    this.leader = leader;
    this.leaderEpoch++;
    if (leader >= 0 && this.isr.length > 1) this.takeOver(restarted);
    this.epochStart = this.log.endOffset;
    this.wake();
    if (leader >= 0) this.replicate();
  }

  setIsr(isr: readonly number[]): void {
    this.isr = isr;
    this.replicate();
    this.wake();
  }

  delete(): void {
    this.deleted = true;
    this.wake();
  }

  deleteBelow(offset: number): void {
    this.log.deleteBelow(offset);
    this.wake();
  }

  private takeOver(restarted: boolean): void {
    const tail = this.log.batches.filter(({ header }) => header.lastOffset >= this.highWatermark);
    const kept = restarted ? tail.length : this.host.pick(tail.length + 1);
    const cut = tail[kept];
    if (cut !== undefined) this.log.truncate(cut.header.baseOffset);
    const known = this.log.batches.filter(({ header }) => header.lastOffset < this.highWatermark);
    const behind = this.host.pick(Math.min(STALE_BATCHES, known.length) + 1);
    if (behind > 0)
      this.highWatermark = Math.max(this.log.startOffset, known[known.length - behind]!.header.baseOffset);
  }

  private replicate(): void {
    const epoch = this.leaderEpoch;
    const { endOffset } = this.log;
    const copy = (): void => {
      if (this.leaderEpoch !== epoch || this.deleted || endOffset <= this.highWatermark) return;
      if (!this.isr.every((nodeId) => this.host.isAlive(nodeId))) return;
      // Since KIP-966 nothing more is committed below min.insync.replicas.
      if (this.isr.length < Math.min(this.config.minInsyncReplicas, this.replicas.length)) return;
      this.highWatermark = endOffset;
      this.wake();
    };
    if (this.isr.length === 1) copy();
    else this.host.replicateLater(copy);
  }

  private wake(): void {
    for (const tell of [...this.watchers]) tell();
  }
}
