import { COMMIT_RECORD_KEY, encodeCommitRecord, type CommitRecord } from '../epoch/protocol/commit-record';
import type { Marker } from '../epoch/protocol/recovery-plan';
import type { Landing } from '../epoch/transaction/epoch-payload';
import type { BatchBuilder } from '../kafka/codec/batch-builder';
import type { TopicPartition } from '../kafka/port';
import type { InputHandler } from '../operators/operator';
import type { EncodedChanges } from '../state/encoded-changes';
import type { TaskState } from '../state/task-state';
import { UnwritableState } from '../state/unwritable-state';
import type { SourceNode } from '../topology/graph';
import { assert } from '../util/asserts';
import { taskName, type PlannedStage, type TaskId } from './job-plan';
import type { TaskContext } from './task-context';

/** One input of a task. Offsets are the next to process. */
export interface TaskInput {
  readonly topic: string;
  readonly partition: number;
  readonly handler: InputHandler;
  readonly shuffle: boolean;
  /** Null for a shuffle. */
  readonly source: SourceNode | null;
  position: number;
  committed: number;
  /** With `--until-end`: the end that was seen at start; nothing at or behind it is processed. */
  stopAt: number | null;
}

/** What the executor adds to make a commit record: who commits. */
export interface Committer {
  readonly generation: number;
  readonly transactionalId: string;
  readonly producerId: string;
  readonly producerEpoch: number;
}

/** A sealed epoch of a task, on its way to being committed. */
export interface SealedEpoch {
  readonly record: CommitRecord;
  readonly changes: EncodedChanges;
}

/** Facts of the changelog that go into every marker. */
export interface ChangelogIdentity {
  readonly clusterId: string;
  readonly topicId: string;
}

/**
 * A task: its inputs' positions, its state, its operator chain. Owned by one executor, recovered before it is used
 * (`task-recovery.ts`), dropped and recovered again after an aborted epoch.
 */
export class Task {
  readonly id: TaskId;
  readonly name: string;
  readonly planned: PlannedStage;
  readonly inputs: readonly TaskInput[];
  readonly context: TaskContext;
  readonly state: TaskState;
  /** Records processed in the open epoch. */
  records = 0;
  /** Set while the resolved start offsets are not committed yet (C4). */
  mustPin = false;
  /** Last committed epoch. */
  epoch = 0;
  private readonly incarnation: number;
  private readonly changelog: BatchBuilder;
  private readonly identity: ChangelogIdentity;

  constructor(options: {
    id: TaskId;
    planned: PlannedStage;
    incarnation: number;
    inputs: readonly TaskInput[];
    context: TaskContext;
    state: TaskState;
    changelog: BatchBuilder;
    identity: ChangelogIdentity;
  }) {
    this.id = options.id;
    this.name = taskName(options.id);
    this.planned = options.planned;
    this.incarnation = options.incarnation;
    this.inputs = options.inputs;
    this.context = options.context;
    this.state = options.state;
    this.changelog = options.changelog;
    this.identity = options.identity;
  }

  get changelogPartition(): TopicPartition {
    return { topic: this.planned.changelog, partition: this.id.partition };
  }

  /**
   * Are the start offsets committed (C4)? A record that was processed before would be passed over when its epoch is
   * aborted and `latest` is resolved anew.
   */
  get pinned(): boolean {
    return !this.mustPin && this.epoch > 0;
  }

  /** Must this task write a commit record when the epoch ends? Only tasks that moved do (A3). */
  get moved(): boolean {
    return (
      this.records > 0 || this.mustPin || this.inputs.some((input) => input.position !== input.committed)
    );
  }

  /** Has anything happened that should not wait for long? Passing over control records alone is not urgent. */
  get urgent(): boolean {
    return this.records > 0 || this.mustPin;
  }

  /** Ends the open epoch: state changes, then the commit record, into the changelog's batches. @throws {UnwritableState} */
  seal(by: Committer): SealedEpoch {
    const changes = this.state.seal();
    const time = this.context.timestamp;
    this.appendChanges(changes, time);
    const offsets: Record<string, number> = {};
    for (const input of this.inputs) offsets[input.topic] = input.position;
    const record: CommitRecord = {
      task: this.name,
      epoch: this.epoch + 1,
      incarnation: this.incarnation,
      ...by,
      offsets,
    };
    changes.add(COMMIT_RECORD_KEY, encodeCommitRecord(record));
    this.appendChange(changes, changes.count - 1, time);
    this.records = 0;
    this.mustPin = false;
    return { record, changes };
  }

  /** The epoch is committed: remembers it and writes it to the local store. */
  committed(sealed: SealedEpoch, landing: Landing): Promise<void> {
    assert(
      sealed.record.epoch === this.epoch + 1,
      () => `${this.name} committed epoch ${sealed.record.epoch} after ${this.epoch}`,
    );
    this.epoch = sealed.record.epoch;
    for (const input of this.inputs) input.committed = sealed.record.offsets[input.topic] ?? input.committed;
    return this.state.apply(
      sealed.changes,
      this.marker(landing.nextOffset, landing.leaderEpoch, landing.appendTime),
    );
  }

  /** The marker for a store that has applied everything below `nextOffset`. */
  marker(nextOffset: number, leaderEpoch: number, brokerTime: number): Marker {
    return {
      ...this.identity,
      incarnation: this.incarnation,
      leaderEpoch,
      taskEpoch: this.epoch,
      nextOffset,
      brokerTime,
    };
  }

  private appendChanges(changes: EncodedChanges, timestamp: number): void {
    try {
      for (let i = 0; i < changes.count; i++) this.appendChange(changes, i, timestamp);
    } catch (cause) {
      throw new UnwritableState(`a state change of task ${this.name}`, cause);
    }
  }

  private appendChange(changes: EncodedChanges, index: number, timestamp: number): void {
    const valueStart = changes.valueStart(index);
    this.changelog.appendBytes(
      timestamp,
      changes.bytes,
      changes.keyStart(index),
      changes.keyEnd(index),
      valueStart < 0 ? null : changes.bytes,
      valueStart,
      changes.valueEnd(index),
      null,
    );
  }
}
