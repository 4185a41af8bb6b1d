import type { RecordContext } from '../operators/operator';
import type { RecordHeader } from '../serde/record-header';

const NO_HEADERS: readonly RecordHeader[] = [];

/** The one record context of a task, refilled for every record. */
export class TaskContext implements RecordContext {
  key: unknown = undefined;
  timestamp = 0;
  topic = '';
  partition = 0;
  offset = 0;
  private cursor: { headers(): readonly RecordHeader[] } | null = null;

  /** Points the context at an input; `cursor` null: headers do not travel through a shuffle. */
  enter(topic: string, partition: number, cursor: { headers(): readonly RecordHeader[] } | null): void {
    this.topic = topic;
    this.partition = partition;
    this.cursor = cursor;
  }

  headers(): readonly RecordHeader[] {
    return this.cursor === null ? NO_HEADERS : this.cursor.headers();
  }
}
