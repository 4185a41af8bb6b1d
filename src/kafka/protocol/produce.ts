import type { ProducedPartition, ProduceRequest, ProduceResponse } from '../port';
import type { KafkaApi } from './api';
import { versionsOf } from './transaction-version';
import { readPartitions, writePartitions } from './topic-partitions';
import type { WireReader } from './wire-reader';

/** With version 12 the broker itself adds the partitions to the open transaction (KIP-890). */
const ADDS_PARTITIONS = 12;

/** Produce v7 to v12; 13 names topics by id. Batches are not copied. */
export const PRODUCE: KafkaApi<ProduceRequest, ProduceResponse> = {
  name: 'Produce',
  key: 0,
  minVersion: 7,
  maxVersion: 12,
  flexibleFrom: 9,

  versionsFor: ({ transactionVersion }) => versionsOf(transactionVersion, PRODUCE, ADDS_PARTITIONS),

  encode(out, { transactionalId, acks, timeoutMs, partitions }) {
    out.nullableString(transactionalId).i16(acks).i32(timeoutMs);
    writePartitions(out, partitions, ({ batch }) => out.blob(batch));
    out.end();
  },

  decode(input, version) {
    const partitions = readPartitions(input, (topic, partition) =>
      readPartition(input, version, topic, partition),
    );
    const throttleMs = input.i32();
    input.end();
    return { throttleMs, partitions };
  },
};

function readPartition(
  input: WireReader,
  version: number,
  topic: string,
  partition: number,
): ProducedPartition {
  const errorCode = input.i16();
  const baseOffset = input.i64();
  const logAppendTime = input.i64();
  const logStartOffset = input.i64();
  if (version >= 8) {
    input.array(() => {
      input.i32(); // index of a refused record
      input.nullableString();
      input.end();
    });
    input.nullableString(); // error message
  }
  return { topic, partition, errorCode, baseOffset, logAppendTime, logStartOffset };
}
