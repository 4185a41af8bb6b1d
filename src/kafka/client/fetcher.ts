import type { TidemarkError } from '../../errors';
import { must } from '../../util/asserts';
import type { Cancel } from '../../util/ports';
import { tpKey, type FetchedPartition, type FetchRequest, type FetchResponse } from '../port';
import { KafkaError } from '../protocol/errors';
import { connectionError } from './broker-errors';
import { FetchAssignment, type FetchedChunk } from './fetch-assignment';
import { takeRecords } from './fetch-answer';
import { FetchRecovery } from './fetch-recovery';
import { fetchLimits, type FetcherOptions, type FetchLimits } from './fetcher-options';

export type { FetchedChunk } from './fetch-assignment';
export type { FetcherOptions } from './fetcher-options';

/** Wait of a request that leaves a partition out, because its buffer is full or its leader being looked up: it will want
 * to join very soon. */
const CROWDED_WAIT_MS = 20;
interface Node {
  /** What the last request that is not answered yet asks for; null: none is under way. */
  asked: readonly Asked[] | null;
  /** Monotonic time before which the broker's throttle asks for silence. */
  notBefore: number;
}

/** One partition in a request: what it looked like when the request was sent. */
interface Asked {
  readonly assignment: FetchAssignment;
  readonly version: number;
}

/**
 * Reads assigned partitions ahead of their reader, within bounded memory. Per broker at most one Fetch request that
 * anybody waits for is under way; as soon as it is answered, the next one asks for every partition whose buffer has room, from the offset
 * behind what is buffered. The reader takes chunks with {@link poll}, round robin over partitions.
 *
 * Memory: at most `maxBufferedBytes` (and, when a batch is larger than `maxPartitionBytes`, that batch on top). A
 * paused partition gives its buffer back when others need the room.
 */
export class Fetcher {
  private readonly options: FetcherOptions;
  private readonly limits: FetchLimits;
  private readonly recovery: FetchRecovery;
  /** In the order in which requests name them: who got data moves to the end, because brokers fill from the front. */
  private readonly assignments = new Map<string, FetchAssignment>();
  /** Partitions with something to poll; who was polled moves to the end. */
  private readonly ready = new Map<string, FetchAssignment>();
  private readonly nodes = new Map<number, Node>();
  private buffered = 0;
  private reserved = 0;
  private failure: unknown = null;
  private closed = false;
  private scheduled = false;
  private cancelTimer: Cancel | null = null;

  constructor(options: FetcherOptions) {
    this.options = options;
    this.limits = fetchLimits(options);
    this.recovery = new FetchRecovery(options, this.limits, {
      isAssigned: (assignment) => this.assignments.get(assignment.key) === assignment,
      failed: (assignment) => this.markReady(assignment),
      settled: (assignment) => this.settled(assignment),
    });
  }

  /** Starts to read a partition at `offset`; one that is already assigned starts over there, unpaused. */
  add(topic: string, partition: number, offset: number): void {
    this.remove(topic, partition);
    const assignment = new FetchAssignment(topic, partition, offset, this.limits.maxPartitionBytes);
    this.assignments.set(assignment.key, assignment);
    this.scheduleSoon();
  }

  /** Drops the partition and what is buffered for it. Harmless when it is not assigned. */
  remove(topic: string, partition: number): void {
    const assignment = this.assignments.get(tpKey(topic, partition));
    if (assignment === undefined) return;
    this.empty(assignment, assignment.fetchPosition);
    this.assignments.delete(assignment.key);
    this.scheduleSoon();
  }

  /** Goes on at `offset`: buffered chunks and the answer under way are dropped, an error of the partition is forgotten. */
  seek(topic: string, partition: number, offset: number): void {
    this.empty(this.get(topic, partition), offset);
    this.scheduleSoon();
  }

  /** Neither fetched nor polled until {@link resume}. */
  pause(topic: string, partition: number): void {
    this.get(topic, partition).paused = true;
    this.scheduleSoon();
  }

  resume(topic: string, partition: number): void {
    this.get(topic, partition).paused = false;
    this.scheduleSoon();
  }

  /**
   * The next chunk, or null when none is there; {@link FetcherOptions.onReady} says when to ask again.
   * @throws {TidemarkError} TM4003 the position is not in the log (any more), TM2003 topic missing, TM2006 damaged or
   * oversized batch, TM2008 not authorised, TM2002 other lasting errors: after the chunks that were read before it,
   * and again at every poll until the partition is removed or sought
   */
  poll(): FetchedChunk | null {
    if (this.failure !== null) throw asError(this.failure);
    for (const assignment of this.ready.values()) {
      if (assignment.paused) continue;
      const chunk = assignment.shift();
      if (chunk === undefined) throw asError(assignment.failure);
      this.buffered -= chunk.records.length;
      this.ready.delete(assignment.key);
      this.markReady(assignment);
      this.schedule();
      return chunk;
    }
    return null;
  }

  /** Nothing is buffered, and at the last answer no partition that is not paused had anything further to read. */
  isDrained(): boolean {
    if (this.failure !== null) return false;
    for (const assignment of this.assignments.values()) {
      if (assignment.paused) continue;
      if (assignment.hasChunk() || !assignment.reachedEnd || assignment.failure !== null) return false;
    }
    return true;
  }

  isAssigned(topic: string, partition: number): boolean {
    return this.assignments.has(tpKey(topic, partition));
  }

  /** Offset of the next record that {@link poll} hands out. */
  positionOf(topic: string, partition: number): number {
    return this.get(topic, partition).position();
  }

  /** Records (offsets, really) between the reader's position and the end that it may read; null before the first answer. */
  lagOf(topic: string, partition: number): number | null {
    const assignment = this.get(topic, partition);
    return assignment.end < 0 ? null : Math.max(0, assignment.end - assignment.position());
  }

  /** The sum of {@link lagOf} over all partitions that have been answered for. */
  lag(): number {
    let sum = 0;
    for (const { topic, partition } of this.assignments.values()) sum += this.lagOf(topic, partition) ?? 0;
    return sum;
  }

  /** Bytes that wait for {@link poll}. */
  bufferedBytes(): number {
    return this.buffered;
  }

  /** What keeps partitions from being read right now, for readiness reports; errors here pass by themselves or end in poll. */
  troubles(): readonly TidemarkError[] {
    return [...this.assignments.values()].flatMap(({ trouble }) => (trouble === null ? [] : [trouble]));
  }

  /** Ends at once: answers under way are ignored, `onReady` is not called any more. Idempotent. */
  close(): void {
    this.closed = true;
    this.cancelTimer?.();
    this.cancelTimer = null;
    this.assignments.clear();
    this.ready.clear();
    this.buffered = 0;
  }

  private get(topic: string, partition: number): FetchAssignment {
    return must(this.assignments.get(tpKey(topic, partition)), `assignment of ${tpKey(topic, partition)}`);
  }

  private empty(assignment: FetchAssignment, offset: number): void {
    this.buffered -= assignment.bufferedBytes;
    assignment.moveTo(offset);
    this.ready.delete(assignment.key);
  }

  private markReady(assignment: FetchAssignment): void {
    if (assignment.hasChunk() || assignment.failure !== null) this.ready.set(assignment.key, assignment);
  }

  private now(): number {
    return this.options.platform.clock.monotonic();
  }

  /** Once for all that is added, moved or found in this turn: a request that went at once would leave the rest out. */
  private scheduleSoon(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    void this.options.platform.scheduler.yield().then(() => {
      this.scheduled = false;
      this.schedule();
    });
  }

  /** Sends whatever may be sent now, and sets the timer for what must wait. */
  private schedule(): void {
    if (this.closed || this.failure !== null) return;
    const now = this.now();
    const crowded = new Set<number>();
    let resolving = false;
    const byNode = new Map<number, FetchAssignment[]>();
    let wakeAt = Infinity;
    for (const assignment of this.assignments.values()) {
      resolving ||= assignment.resolving;
      if (assignment.paused || assignment.resolving || assignment.failure !== null) continue;
      const leader = assignment.leader;
      const nodeReadyAt = leader === null ? 0 : this.node(leader.nodeId).notBefore;
      const readyAt = Math.max(assignment.notBefore, nodeReadyAt);
      if (readyAt > now) wakeAt = Math.min(wakeAt, readyAt);
      else if (leader === null) void this.recovery.findLeader(assignment);
      else if (assignment.bufferedBytes >= this.limits.maxBufferedPerPartition) crowded.add(leader.nodeId);
      else byNode.set(leader.nodeId, [...(byNode.get(leader.nodeId) ?? []), assignment]);
    }
    for (const [nodeId, wanted] of byNode) this.sendIfIdle(nodeId, wanted, resolving || crowded.has(nodeId));
    this.wakeAt(wakeAt, now);
  }

  private wakeAt(time: number, now: number): void {
    this.cancelTimer?.();
    this.cancelTimer =
      time === Infinity
        ? null
        : this.options.platform.scheduler.after(Math.max(1, time - now), () => this.schedule());
  }

  private node(nodeId: number): Node {
    const known = this.nodes.get(nodeId) ?? { asked: null, notBefore: 0 };
    this.nodes.set(nodeId, known);
    return known;
  }

  private sendIfIdle(nodeId: number, wanted: readonly FetchAssignment[], crowded: boolean): void {
    if (this.isAwaited(this.node(nodeId))) return;
    const room = this.makeRoom();
    if (room < this.limits.maxPartitionBytes) return;
    const largest = Math.max(...wanted.map((assignment) => assignment.maxBytes));
    void this.send(nodeId, wanted, Math.max(Math.min(this.limits.maxBytes, room), largest), crowded);
  }

  /** Free bytes; buffers of paused partitions are given up when there are too few, or a pause could starve the others. */
  private makeRoom(): number {
    const free = () => this.limits.maxBufferedBytes - this.buffered - this.reserved;
    for (const assignment of this.assignments.values()) {
      if (free() >= this.limits.maxPartitionBytes) break;
      if (assignment.paused && assignment.bufferedBytes > 0) this.empty(assignment, assignment.position());
    }
    return free();
  }

  private async send(nodeId: number, wanted: readonly FetchAssignment[], maxBytes: number, crowded: boolean) {
    const node = this.node(nodeId);
    const asked = wanted.map((assignment) => ({ assignment, version: assignment.version }));
    const request = this.request(wanted, maxBytes, crowded);
    node.asked = asked;
    this.reserved += maxBytes;
    const take = await this.options.port.fetch(nodeId, request).then(
      (answer) => () => this.answered(node, asked, answer),
      (error: unknown) => () => this.unanswered(asked, error),
    );
    if (node.asked === asked) node.asked = null;
    this.reserved -= maxBytes;
    this.finish(take);
  }

  private request(wanted: readonly FetchAssignment[], maxBytes: number, crowded: boolean): FetchRequest {
    const { maxWaitMs, minBytes } = this.limits;
    return {
      isolation: this.options.isolation,
      maxWaitMs: crowded ? Math.min(CROWDED_WAIT_MS, maxWaitMs) : maxWaitMs,
      minBytes,
      maxBytes,
      partitions: wanted.map((assignment) => ({
        topic: assignment.topic,
        partition: assignment.partition,
        fetchOffset: BigInt(assignment.fetchPosition),
        currentLeaderEpoch: must(assignment.leader, 'leader').leaderEpoch,
        maxBytes: assignment.maxBytes,
      })),
    };
  }

  /** Takes the answer in, sends the next request and only then tells the reader: the broker works meanwhile. */
  private finish(take: () => boolean): void {
    if (this.closed) return;
    let news: boolean;
    try {
      news = take();
    } catch (error) {
      this.failure = error;
      news = true;
    }
    this.schedule();
    if (news) this.options.onReady();
  }

  /** True when the reader should look. */
  private answered(node: Node, asked: readonly Asked[], answer: FetchResponse): boolean {
    if (answer.throttleMs > 0) node.notBefore = this.now() + answer.throttleMs;
    const total = answer.partitions.reduce((sum, partition) => sum + (partition.records?.length ?? 0), 0);
    const parts = new Map(answer.partitions.map((part) => [tpKey(part.topic, part.partition), part]));
    let news = false;
    for (const { assignment, version } of asked) {
      if (!this.isCurrent(assignment, version)) continue;
      const part = parts.get(assignment.key);
      if (answer.errorCode !== KafkaError.NONE) this.recovery.refused(assignment, answer.errorCode);
      else if (part === undefined) this.recovery.refused(assignment, KafkaError.UNKNOWN_TOPIC_OR_PARTITION);
      else if (part.errorCode !== KafkaError.NONE) this.recovery.refused(assignment, part.errorCode);
      else news = this.tryAccept(assignment, part, total) || news;
      news ||= assignment.failure !== null;
    }
    return news;
  }

  /**
   * A long poll whose partitions have all moved or gone meanwhile, as after an aborted epoch, holds nobody up. Its bytes
   * stay reserved until it is answered, so that their number is limited.
   */
  private isAwaited({ asked }: Node): boolean {
    return asked !== null && asked.some(({ assignment, version }) => this.isCurrent(assignment, version));
  }

  private isCurrent(assignment: FetchAssignment, version: number): boolean {
    return this.assignments.get(assignment.key) === assignment && assignment.version === version;
  }

  private tryAccept(assignment: FetchAssignment, part: FetchedPartition, answerBytes: number): boolean {
    try {
      return this.accept(assignment, part, answerBytes);
    } catch (error) {
      this.recovery.fail(assignment, error);
      return true;
    }
  }

  /** True when the reader should look. */
  private accept(assignment: FetchAssignment, part: FetchedPartition, answerBytes: number): boolean {
    const wasAtEnd = assignment.reachedEnd;
    const taken = takeRecords(assignment, part, this.limits, answerBytes);
    if (taken.kind === 'unusable') {
      this.recovery.retryLater(assignment, taken.error);
      return false;
    }
    assignment.recovered();
    if (taken.kind === 'chunk') this.push(assignment, taken.chunk);
    const { isolation } = this.options;
    assignment.end = Number(isolation === 'read_committed' ? part.lastStableOffset : part.highWatermark);
    assignment.reachedEnd = assignment.fetchPosition >= assignment.end;
    return taken.kind === 'chunk' || (assignment.reachedEnd && !wasAtEnd);
  }

  private settled(assignment: FetchAssignment): void {
    this.scheduleSoon();
    if (assignment.failure !== null) this.options.onReady();
  }

  private push(assignment: FetchAssignment, chunk: FetchedChunk): void {
    assignment.push(chunk);
    this.buffered += chunk.records.length;
    this.assignments.delete(assignment.key);
    this.assignments.set(assignment.key, assignment);
    this.markReady(assignment);
  }

  private unanswered(asked: readonly Asked[], cause: unknown): boolean {
    for (const { assignment, version } of asked) {
      const error = connectionError(cause, assignment.where());
      if (this.isCurrent(assignment, version)) this.recovery.retryLater(assignment, error);
    }
    return false;
  }
}

function asError(failure: unknown): Error {
  return failure instanceof Error
    ? failure
    : new Error('something that is no error was thrown', { cause: failure });
}
