import type { RecordCursor } from '../kafka/codec/batch-reader';
import { isTidemarkError, TidemarkError } from '../errors';
import type { RawRecord } from '../operators/operator';
import type { RecordHeader } from '../serde/record-header';
import type { OutputBuffers } from '../sink/output-buffers';
import type { TopicBounds } from './timestamp-bounds';

/** Where a bad record came from. */
export interface RecordOrigin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly stage: string;
}

export interface DeadLetterTopic {
  readonly topic: string;
  readonly partitions: number;
  readonly bounds: TopicBounds;
}

/**
 * Writes a bad record, byte for byte, to the dead-letter topic within the open epoch, so that it comes out exactly
 * when its offset is passed. The reason is in the headers, behind the record's own. Its timestamp is kept as far as the
 * topic takes it; the original one is in a header.
 * @param record key and value; of a shuffle record without the envelope
 * @param cursor the record's timestamp and headers
 * @throws {TidemarkError} TM3003 when the letter is too large for its topic
 */
export function writeDeadLetter(
  output: OutputBuffers,
  to: DeadLetterTopic,
  record: RawRecord,
  cursor: RecordCursor,
  origin: RecordOrigin,
  reason: TidemarkError,
): void {
  const headers: RecordHeader[] = [
    ...cursor.headers(),
    header('tidemark.error.code', reason.code),
    header('tidemark.error.message', reason.message),
    header('tidemark.topic', origin.topic),
    header('tidemark.partition', String(origin.partition)),
    header('tidemark.offset', String(origin.offset)),
    header('tidemark.timestamp', String(cursor.timestamp)),
    header('tidemark.stage', origin.stage),
  ];
  const { keyStart, keyEnd, valueStart, valueEnd } = record;
  const key = keyStart < 0 ? null : record.buffer;
  const value = valueStart < 0 ? null : record.buffer;
  // A letter that the broker refuses would fail its epoch again and again.
  const timestamp = to.bounds.nearest(cursor.timestamp);
  const builder = output.builder(to.topic, origin.partition % to.partitions);
  try {
    builder.appendBytes(timestamp, key, keyStart, keyEnd, value, valueStart, valueEnd, headers);
  } catch (error) {
    throw isTidemarkError(error) ? undeliverable(error, to.topic, origin) : error;
  }
}

function undeliverable(error: TidemarkError, topic: string, origin: RecordOrigin): TidemarkError {
  return new TidemarkError(
    error.code,
    'stop',
    `no dead letter can be written to ${topic}: ${error.message}`,
    {
      where: `${origin.topic}-${origin.partition}@${origin.offset}`,
      hint: `raise max.message.bytes of ${topic} and kafka.max-batch-bytes`,
      cause: error,
    },
  );
}

function header(key: string, value: string): RecordHeader {
  return { key, value: Buffer.from(value) };
}
