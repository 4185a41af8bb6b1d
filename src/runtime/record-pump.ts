import { isTidemarkError, restated, TidemarkError } from '../errors';
import type { FetchedChunk, Fetcher } from '../kafka/client/fetcher';
import { RecordCursor } from '../kafka/codec/batch-reader';
import { tpKey } from '../kafka/port';
import type { RawRecord } from '../operators/operator';
import type { OutputBuffers } from '../sink/output-buffers';
import type { BadInputPolicy } from '../topology/graph';
import type { Platform } from '../util/ports';
import type { UnwritableState } from '../state/unwritable-state';
import type { BadRecords } from './bad-records';
import { BadStateSearch } from './bad-state-search';
import { writeDeadLetter, type DeadLetterTopic } from './dead-letters';
import { envelopeEnd, NULL_VALUE, UNKNOWN_KIND } from './shuffle-envelope';
import { ReplayNeeded } from './replay-needed';
import type { TaskInput } from './task';
import type { Route, TaskSet } from './task-set';

export interface RecordPumpOptions {
  readonly fetcher: Fetcher;
  readonly tasks: TaskSet;
  readonly output: OutputBuffers;
  readonly platform: Platform;
  readonly badRecords: BadRecords;
  /** The job's policy; a source may have its own. */
  readonly badInput: BadInputPolicy;
  readonly deadLetterTopic: (topic: string) => DeadLetterTopic;
}

/** The clock is looked at once in so many records. */
const RECORDS_PER_LOOK = 256;

/** A shuffle record without its envelope. */
class ShuffleView implements RawRecord {
  buffer: Buffer = Buffer.alloc(0);
  keyStart = -1;
  keyEnd = -1;
  valueStart = -1;
  valueEnd = -1;
}

/**
 * Moves records from fetched chunks through their tasks' operator chains, in slices that leave the event loop to
 * others. The hot path: no promise and no allocation per record.
 *
 * A record that cannot be deserialized is dealt with on the spot: nothing was done with it yet. One whose operator
 * threw may have left partial effects, so the pump throws and the executor drops the epoch; in the replay the record
 * is known ({@link BadRecords}) and only its dead letter comes out (I2).
 */
export class RecordPump {
  /** Source records since the start of this executor, committed or not. */
  recordsIn = 0;
  private readonly options: RecordPumpOptions;
  private readonly cursor = new RecordCursor();
  private readonly shuffleView = new ShuffleView();
  /** A record that broke its epoch has been passed in the replay: the epoch must end here, see {@link runSlice}. */
  private passedBad = false;
  private readonly search = new BadStateSearch();
  private chunk: FetchedChunk | null = null;
  private route: Route | null = null;

  constructor(options: RecordPumpOptions) {
    this.options = options;
  }

  /** Nothing is half done and nothing more is to be had at the moment. */
  get drained(): boolean {
    return this.chunk === null && this.options.fetcher.isDrained();
  }

  /** The epoch must end before anything further is processed. */
  get mustEndEpoch(): boolean {
    return this.passedBad || this.search.room <= 0;
  }

  /** Tells that what was processed is in an epoch that has ended. */
  epochEnded(): void {
    this.passedBad = false;
    this.search.epochEnded();
  }

  /** Forgets the chunk under way: an epoch was dropped, or partitions were taken away. */
  drop(): void {
    this.passedBad = false;
    this.search.dropped();
    this.endChunk();
  }

  /**
   * The epoch cannot be sealed because of a state value (A8).
   * @returns what is to be replayed: fewer records, or the epoch of the one record with that record marked
   * @throws {TidemarkError} TM3003 or TM3005 with the record's place when its policy is `fail`
   */
  blame({ reason }: UnwritableState): ReplayNeeded {
    const suspect = this.search.narrow();
    if (suspect === null) return new ReplayNeeded(reason, 'fewer-records');
    const { input, offset } = suspect;
    const error = restated(reason, { where: `${tpKey(input.topic, input.partition)}@${offset}` });
    if (this.policyOf(input).kind === 'fail') throw error;
    this.options.badRecords.add(input.topic, input.partition, offset, error);
    return new ReplayNeeded(error, 'record-marked');
  }

  private endChunk(): void {
    this.chunk = null;
    this.route = null;
  }

  /**
   * Processes records until `deadline` (monotonic milliseconds) or until there are none.
   * @returns false when there was nothing to do
   * @throws {TidemarkError} TM3xxx for a record whose policy is `fail`, {@link ReplayNeeded} for one that must be
   * replayed as bad, TM4003 and others of the fetcher
   */
  run(deadline: number): boolean {
    const { clock } = this.options.platform;
    let worked = false;
    while (!this.mustEndEpoch && (this.chunk !== null || this.takeChunk())) {
      worked = true;
      this.runSlice();
      if (clock.monotonic() >= deadline) break;
    }
    return worked;
  }

  private takeChunk(): boolean {
    const { fetcher, tasks } = this.options;
    for (let chunk = fetcher.poll(); chunk !== null; chunk = fetcher.poll()) {
      const route = tasks.route(chunk.topic, chunk.partition);
      if (route === undefined) continue;
      this.chunk = chunk;
      this.route = route;
      this.cursor.load(chunk.records, {
        fetchOffset: chunk.fetchOffset,
        abortedTransactions: chunk.abortedTransactions,
      });
      const headers = route.input.shuffle ? null : this.cursor;
      route.task.context.enter(chunk.topic, chunk.partition, headers);
      return true;
    }
    return false;
  }

  /**
   * Behind a record that was replayed as bad the slice ends, and so does the epoch: were the next bad one met in the
   * same epoch, this one would be replayed with it, and of many in a row none would ever be committed.
   */
  private runSlice(): void {
    const { cursor } = this;
    const { task, input } = this.route as Route;
    const ctx = task.context;
    ctx.enter(input.topic, input.partition, input.shuffle ? null : cursor);
    const before = task.records;
    this.processUpTo(Math.min(RECORDS_PER_LOOK, this.search.room));
    this.search.took(task.records - before, input, ctx.offset);
  }

  private processUpTo(count: number): void {
    const { cursor } = this;
    const { task, input } = this.route as Route;
    const ctx = task.context;
    const bad = this.options.badRecords.in(input.topic, input.partition);
    for (let left = count; left > 0; left--) {
      if (!cursor.next()) return this.finishChunk();
      if (input.stopAt !== null && cursor.offset >= input.stopAt) return this.stopAtEnd();
      ctx.offset = cursor.offset;
      ctx.timestamp = cursor.timestamp;
      const known = bad?.get(cursor.offset);
      if (known === undefined) this.process();
      else this.setAsideInReplay(known);
      task.records++;
      if (!input.shuffle) this.recordsIn++;
      input.position = cursor.offset + 1;
      if (this.passedBad) return;
    }
  }

  private process(): void {
    const { task, input } = this.route as Route;
    try {
      input.handler.handle(input.shuffle ? this.unwrap() : this.cursor, task.context);
    } catch (error) {
      this.handleFailure(error);
    }
  }

  private unwrap(): RawRecord {
    const { cursor, shuffleView } = this;
    shuffleView.buffer = cursor.buffer;
    shuffleView.keyStart = cursor.keyStart;
    shuffleView.keyEnd = cursor.keyEnd;
    const valueStart = cursor.valueStart < 0 ? UNKNOWN_KIND : envelopeEnd(cursor.buffer, cursor.valueStart);
    if (valueStart === UNKNOWN_KIND) throw this.foreign();
    shuffleView.valueStart = valueStart;
    shuffleView.valueEnd = valueStart === NULL_VALUE ? -1 : cursor.valueEnd;
    return shuffleView;
  }

  private handleFailure(error: unknown): void {
    if (!isTidemarkError(error) || !error.code.startsWith('TM3')) throw error;
    if (error.code === 'TM3004') throw error;
    const { input } = this.route as Route;
    if (this.policyOf(input).kind === 'fail') throw error;
    if (error.code === 'TM3001') return this.setAside(error);
    this.options.badRecords.add(input.topic, input.partition, this.cursor.offset, error);
    throw new ReplayNeeded(error, 'record-marked');
  }

  private setAsideInReplay(error: TidemarkError): void {
    this.setAside(error);
    this.passedBad = true;
  }

  /** Skips a record that is known to be bad, or writes its dead letter. */
  private setAside(error: TidemarkError): void {
    const { task, input } = this.route as Route;
    const { cursor } = this;
    const { badRecords, output, deadLetterTopic } = this.options;
    const policy = this.policyOf(input);
    badRecords.count(input.topic, input.partition, cursor.offset, policy.kind);
    if (policy.kind !== 'dead-letter') return;
    const origin = {
      topic: input.topic,
      partition: input.partition,
      offset: cursor.offset,
      stage: task.id.stage,
    };
    const record = input.shuffle ? this.unwrap() : cursor;
    writeDeadLetter(output, deadLetterTopic(policy.topic), record, cursor, origin, error);
  }

  private policyOf(input: TaskInput): BadInputPolicy {
    return input.source?.badInput ?? this.options.badInput;
  }

  private finishChunk(): void {
    const { input } = this.route as Route;
    input.position = Math.max(input.position, this.cursor.nextOffset);
    if (input.stopAt !== null && input.position >= input.stopAt) return this.stopAtEnd();
    this.endChunk();
  }

  private stopAtEnd(): void {
    const { input } = this.route as Route;
    input.position = Math.max(input.position, input.stopAt ?? 0);
    this.options.fetcher.pause(input.topic, input.partition);
    this.endChunk();
  }

  private foreign(): TidemarkError {
    const { input } = this.route as Route;
    return new TidemarkError(
      'TM4007',
      'stop',
      'a record of a shuffle topic was not written by this program',
      {
        where: `${tpKey(input.topic, input.partition)}@${this.cursor.offset}`,
        hint: 'nothing else may write to internal topics; a newer version of the program may have run before',
      },
    );
  }
}
