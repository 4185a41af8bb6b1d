import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { forEachBatch, type BatchHeader } from './batch-header';
import { RecordCursor } from './batch-reader';

interface JavaRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [key: string, value: string | null])[];
  readonly control: boolean;
}
interface Fixture {
  readonly name: string;
  readonly bytes: string;
  readonly batches: readonly Readonly<Record<string, unknown>>[];
  readonly records: readonly JavaRecord[];
}

/** Made by Apache Kafka's Java client, as the file says; all bytes in base64. */
const { fixtures } = JSON.parse(readFileSync(join(__dirname, 'fixtures/java-batches.json'), 'utf8')) as {
  readonly fixtures: readonly Fixture[];
};

function bytesOf(name: string): Buffer {
  const fixture = fixtures.find((candidate) => candidate.name === name);
  if (fixture === undefined) throw new Error(`no fixture ${name}`);
  return Buffer.from(fixture.bytes, 'base64');
}

function asJava(header: BatchHeader): Readonly<Record<string, unknown>> {
  return {
    baseOffset: header.baseOffset,
    lastOffset: header.lastOffset,
    sizeInBytes: header.end - header.start,
    compression: header.compression,
    count: header.recordCount,
    producerId: String(header.producerId),
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    leaderEpoch: header.leaderEpoch,
    maxTimestamp: header.maxTimestamp,
    logAppendTime: header.logAppendTime,
    transactional: header.transactional,
    control: header.control,
  };
}

function base64(buffer: Buffer, start: number, end: number): string | null {
  return start < 0 ? null : buffer.toString('base64', start, end);
}

function readAll(cursor: RecordCursor): Omit<JavaRecord, 'control'>[] {
  const records: Omit<JavaRecord, 'control'>[] = [];
  while (cursor.next()) {
    records.push({
      offset: cursor.offset,
      timestamp: cursor.timestamp,
      key: base64(cursor.buffer, cursor.keyStart, cursor.keyEnd),
      value: base64(cursor.buffer, cursor.valueStart, cursor.valueEnd),
      headers: cursor
        .headers()
        .map(
          ({ key, value }) =>
            [Buffer.from(key).toString('base64'), value?.toString('base64') ?? null] as const,
        ),
    });
  }
  return records;
}

function load(name: string, options: Partial<Parameters<RecordCursor['load']>[1]> = {}): RecordCursor {
  const cursor = new RecordCursor({ source: 'orders-0' });
  cursor.load(bytesOf(name), { fetchOffset: 0, abortedTransactions: null, ...options });
  return cursor;
}

function values(cursor: RecordCursor): string[] {
  return readAll(cursor).map(({ value }) => Buffer.from(value ?? '', 'base64').toString());
}

const readable = fixtures.filter(({ name }) => !name.startsWith('magic'));
const small = readable.filter(({ name }) => !name.startsWith('big'));

test.each(readable)('$name: headers are what Java reads', ({ bytes, batches }) => {
  const seen: Readonly<Record<string, unknown>>[] = [];
  const buffer = Buffer.from(bytes, 'base64');
  expect(forEachBatch(buffer, (header) => seen.push(asJava(header)))).toBe(buffer.length);
  expect(seen).toEqual(batches);
});

test.each(small)('$name: records are what Java reads, read_uncommitted', ({ name, batches, records }) => {
  const cursor = load(name);
  const expected = records
    .filter(({ control }) => !control)
    .map(({ control: _control, ...record }) => record);
  expect(readAll(cursor)).toEqual(expected);
  expect(cursor.nextOffset).toBe((batches.at(-1)?.['lastOffset'] as number) + 1);
  expect(cursor.needsLargerFetch).toBe(false);
});

test.each(['gzip', 'snappy', 'lz4', 'zstd'])('several compressed blocks: %s', (codec) => {
  const cursor = load(`big-${codec}`);
  for (let i = 0; i < 700; i++) {
    expect(cursor.next()).toBe(true);
    const user = `u${(i * 7919) % 1000}`;
    const value = `{"user_id":"${user}","page":"p${(i * 31) % 50}","amount":${i % 100},"ts":${1760000000000 + i},"pad":"abcdefghijklmnopqrstuvwxyz"}`;
    expect(cursor.offset).toBe(i);
    expect(cursor.timestamp).toBe(1760000000000 + i);
    expect(cursor.buffer.toString('utf8', cursor.keyStart, cursor.keyEnd)).toBe(user);
    expect(cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd)).toBe(value);
  }
  expect(cursor.next()).toBe(false);
});

describe('read_committed, as the Java consumer', () => {
  test('interleaved aborted transactions, listed in any order', () => {
    const aborted = [
      { producerId: 2n, firstOffset: 12n },
      { producerId: 3n, firstOffset: 3n },
      { producerId: 1n, firstOffset: 0n },
    ];
    const expected = ['p2-committed-2', 'p3-committed-6', 'p1-committed-8', 'plain-13'];
    for (const abortedTransactions of [
      aborted,
      [...aborted].reverse(),
      [aborted[1]!, aborted[0]!, aborted[2]!],
    ]) {
      const cursor = load('interleaved-aborts', { abortedTransactions });
      expect(values(cursor)).toEqual(expected);
      expect(cursor.nextOffset).toBe(15);
    }
  });

  test('a committed transaction, and its identity', () => {
    const cursor = load('transaction-committed', { fetchOffset: 10, abortedTransactions: [] });
    expect(cursor.next()).toBe(true);
    expect(cursor).toMatchObject({ producerId: 9000000000001n, isTransactional: true, batchLeaderEpoch: 7 });
    expect(values(cursor)).toEqual(['b']);
    expect(cursor.nextOffset).toBe(13);
  });
});

test('compacted batches: holes and emptiness are passed in one go', () => {
  const cursor = load('compacted', { abortedTransactions: [] });
  const offsets: number[] = [];
  while (cursor.next()) offsets.push(cursor.offset);
  expect(offsets).toEqual([7, 11, 12]);
  expect(cursor.nextOffset).toBe(31);
});

test.each([0, 1])('format v%d is refused by name', (magic) => {
  expect(() => load(`magic-${magic}`).next()).toThrow(
    expect.objectContaining({ code: 'TM2006', message: expect.stringContaining(`format v${magic}`) }),
  );
});
