import type { RecordCursor } from '../kafka/codec/batch-reader';
import type { TidemarkError } from '../errors';
import type { RecordHeader } from '../serde/record-header';
import type { OutputBuffers } from '../sink/output-buffers';

/** Where a bad record came from. */
export interface RecordOrigin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly stage: string;
}

/**
 * Writes a bad record, byte for byte, to the dead-letter topic within the open epoch, so that it comes out exactly
 * when its offset is passed. The reason is in the headers.
 */
export function writeDeadLetter(
  output: OutputBuffers,
  topic: string,
  partitions: number,
  cursor: RecordCursor,
  origin: RecordOrigin,
  error: TidemarkError,
): void {
  const headers: RecordHeader[] = [
    ...cursor.headers(),
    header('tidemark.error.code', error.code),
    header('tidemark.error.message', error.message),
    header('tidemark.topic', origin.topic),
    header('tidemark.partition', String(origin.partition)),
    header('tidemark.offset', String(origin.offset)),
    header('tidemark.stage', origin.stage),
  ];
  const key = cursor.keyStart < 0 ? null : cursor.buffer;
  const value = cursor.valueStart < 0 ? null : cursor.buffer;
  output
    .builder(topic, origin.partition % partitions)
    .appendBytes(
      cursor.timestamp,
      key,
      cursor.keyStart,
      cursor.keyEnd,
      value,
      cursor.valueStart,
      cursor.valueEnd,
      headers,
    );
}

function header(key: string, value: string): RecordHeader {
  return { key, value: Buffer.from(value) };
}
