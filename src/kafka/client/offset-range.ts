import { TidemarkError } from '../../errors';
import { EARLIEST, LATEST, tpKey, type OffsetAnswer, type TopicPartition } from '../port';
import { KafkaError } from '../protocol/errors';
import { brokerError, connectionError } from './broker-errors';
import type { ClientContext } from './client-context';

/** What a partition's log holds: [start, end). */
export interface OffsetRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The offsets that the log holds according to its leader.
 * @throws {TidemarkError} TM2001 no answer, TM2002 and others for error codes
 */
export async function rangeOf(
  context: ClientContext,
  nodeId: number,
  tp: TopicPartition,
): Promise<OffsetRange> {
  const [start, end] = await Promise.all([
    offsetAt(context, nodeId, tp, EARLIEST),
    offsetAt(context, nodeId, tp, LATEST),
  ]);
  return { start, end };
}

async function offsetAt(
  context: ClientContext,
  nodeId: number,
  { topic, partition }: TopicPartition,
  timestamp: bigint,
): Promise<number> {
  let answers: readonly OffsetAnswer[];
  try {
    answers = await context.port.listOffsets(nodeId, 'read_uncommitted', [{ topic, partition, timestamp }]);
  } catch (error) {
    throw connectionError(error, tpKey(topic, partition));
  }
  const errorCode = answers[0]?.errorCode ?? KafkaError.UNKNOWN_TOPIC_OR_PARTITION;
  if (errorCode !== KafkaError.NONE) throw brokerError('ListOffsets', errorCode, tpKey(topic, partition));
  return Number(answers[0]?.offset);
}

/** TM4003: never followed by a reset, because what lies between would be lost, or counted twice. */
export function offsetGone(tp: TopicPartition, position: number, range: OffsetRange): TidemarkError {
  const key = tpKey(tp.topic, tp.partition);
  const log = `the log holds ${range.start} to ${range.end}`;
  return new TidemarkError('TM4003', 'stop', `offset ${position} of ${key} is not in the log: ${log}`, {
    where: `${key}@${position}`,
    hint:
      position < range.start
        ? 'the records were deleted before they were read: lengthen the retention of the topic, then accept the loss with `tidemark reset`'
        : 'the log was truncated or the topic was created anew: restore it, or start over with `tidemark reset`',
  });
}
