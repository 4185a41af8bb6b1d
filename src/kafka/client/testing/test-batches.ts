import { LAYOUT } from '../../codec/batch-header';
import { crc32c } from '../../../util/crc32c';

export interface TestBatch {
  readonly baseOffset: number;
  /** One record per text; none with a `lastOffset` makes a batch as compaction leaves it behind. */
  readonly values: readonly string[];
  /** Default: that of the last value. */
  readonly lastOffset?: number;
  /** -1n (default): no producer. Else the batch is transactional. */
  readonly producerId?: bigint;
  readonly control?: 'commit' | 'abort';
}

/** A RecordBatch v2, byte by byte, for values shorter than 50 bytes: independent of the codec's own encoder. */
export function testBatch(batch: TestBatch): Buffer {
  const records = batch.control === undefined ? batch.values.map(dataRecord) : [controlRecord(batch.control)];
  const producerId = batch.producerId ?? -1n;
  const header = Buffer.alloc(LAYOUT.RECORDS);
  const body = Buffer.concat(records);
  const lastOffset = batch.lastOffset ?? batch.baseOffset + Math.max(1, records.length) - 1;
  header.writeBigInt64BE(BigInt(batch.baseOffset), LAYOUT.BASE_OFFSET);
  header.writeInt32BE(header.length + body.length - 12, LAYOUT.BATCH_LENGTH);
  header[LAYOUT.MAGIC] = 2;
  header.writeInt16BE((producerId >= 0n ? 0x10 : 0) | (batch.control ? 0x20 : 0), LAYOUT.ATTRIBUTES);
  header.writeInt32BE(lastOffset - batch.baseOffset, LAYOUT.LAST_OFFSET_DELTA);
  header.writeBigInt64BE(producerId, LAYOUT.PRODUCER_ID);
  header.writeInt16BE(producerId >= 0n ? 7 : -1, LAYOUT.PRODUCER_EPOCH);
  header.writeInt32BE(-1, LAYOUT.BASE_SEQUENCE);
  header.writeInt32BE(records.length, LAYOUT.RECORD_COUNT);
  const whole = Buffer.concat([header, body]);
  whole.writeUInt32BE(crc32c(whole, LAYOUT.ATTRIBUTES, whole.length), LAYOUT.CRC);
  return whole;
}

function dataRecord(value: string, index: number): Buffer {
  return record(index, null, Buffer.from(value));
}

function controlRecord(kind: 'commit' | 'abort'): Buffer {
  return record(0, Buffer.from([0, 0, 0, kind === 'commit' ? 1 : 0]), Buffer.alloc(6));
}

function record(index: number, key: Buffer | null, value: Buffer): Buffer {
  const keyBytes = key === null ? zigzag(-1) : Buffer.concat([zigzag(key.length), key]);
  const body = Buffer.concat([
    Buffer.from([0, 0]),
    zigzag(index),
    keyBytes,
    zigzag(value.length),
    value,
    Buffer.from([0]),
  ]);
  return Buffer.concat([zigzag(body.length), body]);
}

/** Zigzag varint of up to two bytes. */
function zigzag(value: number): Buffer {
  const encoded = value >= 0 ? value * 2 : -value * 2 - 1;
  return encoded < 0x80 ? Buffer.from([encoded]) : Buffer.from([(encoded & 0x7f) | 0x80, encoded >> 7]);
}
