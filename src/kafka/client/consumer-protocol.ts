import { TidemarkError } from '../../errors';
import { ByteWriter } from '../../util/byte-writer';
import type { TopicPartition } from '../port';

/**
 * The two formats inside JoinGroup and SyncGroup that ordinary consumer-group tools understand (Kafka source,
 * ConsumerProtocolSubscription.json and ConsumerProtocolAssignment.json). Version 0 is written: later ones only add
 * owned partitions, which our own user data says better (PROTOCOL B5). Any version is read; what follows is ignored.
 */
const VERSION = 0;

export interface Subscription {
  readonly topics: readonly string[];
  readonly userData: Buffer;
}

export interface Assignment {
  readonly partitions: readonly TopicPartition[];
  readonly userData: Buffer;
}

export function encodeSubscription({ topics, userData }: Subscription): Buffer {
  const writer = new ByteWriter();
  writer.u16(VERSION);
  writer.i32(topics.length);
  for (const topic of topics) writeString(writer, topic);
  writeBytes(writer, userData);
  return writer.toBuffer();
}

/** @throws {TidemarkError} TM1006 when it is not a subscription: a foreign client is in the group */
export function decodeSubscription(buffer: Buffer): Subscription {
  return decoding('subscription', () => {
    const reader = new Reader(buffer);
    reader.i16();
    const topics = reader.list(() => reader.string());
    return { topics, userData: reader.bytes() };
  });
}

export function encodeAssignment({ partitions, userData }: Assignment): Buffer {
  const byTopic = new Map<string, number[]>();
  for (const { topic, partition } of partitions) {
    const known = byTopic.get(topic);
    if (known === undefined) byTopic.set(topic, [partition]);
    else known.push(partition);
  }
  const writer = new ByteWriter();
  writer.u16(VERSION);
  writer.i32(byTopic.size);
  for (const [topic, numbers] of byTopic) {
    writeString(writer, topic);
    writer.i32(numbers.length);
    for (const partition of numbers) writer.i32(partition);
  }
  writeBytes(writer, userData);
  return writer.toBuffer();
}

/**
 * An empty buffer, which a broker gives to a member that the leader left out, is an empty assignment.
 * @throws {TidemarkError} TM1006 when it is not an assignment: a foreign client leads the group
 */
export function decodeAssignment(buffer: Buffer): Assignment {
  if (buffer.length === 0) return { partitions: [], userData: Buffer.alloc(0) };
  return decoding('assignment', () => {
    const reader = new Reader(buffer);
    reader.i16();
    const perTopic = reader.list(() => {
      const topic = reader.string();
      return reader.list(() => ({ topic, partition: reader.i32() }));
    });
    return { partitions: perTopic.flat(), userData: reader.bytes() };
  });
}

function writeString(writer: ByteWriter, text: string): void {
  writer.u16(Buffer.byteLength(text));
  writer.utf8(text);
}

function writeBytes(writer: ByteWriter, bytes: Buffer): void {
  writer.i32(bytes.length);
  writer.bytes(bytes);
}

/** Reads front to back; every read past the end throws a RangeError. */
class Reader {
  private readonly buffer: Buffer;
  private position = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  i16(): number {
    return this.buffer.readInt16BE(this.advance(2));
  }

  i32(): number {
    return this.buffer.readInt32BE(this.advance(4));
  }

  string(): string {
    return this.slice(this.i16()).toString('utf8');
  }

  /** A copy; null (-1) reads as empty. */
  bytes(): Buffer {
    return Buffer.from(this.slice(Math.max(0, this.i32())));
  }

  list<T>(item: () => T): T[] {
    const items: T[] = [];
    for (let left = this.i32(); left > 0; left--) items.push(item());
    return items;
  }

  private slice(length: number): Buffer {
    if (length < 0 || this.position + length > this.buffer.length)
      throw new RangeError('length is out of bounds');
    const start = this.advance(length);
    return this.buffer.subarray(start, start + length);
  }

  private advance(bytes: number): number {
    const at = this.position;
    this.position += bytes;
    return at;
  }
}

function decoding<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new TidemarkError(
      'TM1006',
      'stop',
      `a member of the consumer group sent a ${what} that cannot be read`,
      {
        hint: 'another program uses this application id as its consumer group: stop it, or choose another application id',
        cause,
      },
    );
  }
}
