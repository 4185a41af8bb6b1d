import fc from 'fast-check';
import type { RecordHeader } from '../../serde/record-header';
import type { Serde } from '../../serde/serde';
import { BatchBuilder, finishBatch, type SealedBatch } from './batch-builder';
import { forEachBatch, type BatchHeader } from './batch-header';
import { RecordCursor } from './batch-reader';
import type { BatchProducer, CompressionName } from './types';

const NO_PRODUCER: BatchProducer = {
  producerId: -1n,
  producerEpoch: -1,
  baseSequence: -1,
  transactional: false,
};
const NOW = 1_760_000_000_000;

const text: Serde<string> = {
  name: 'text',
  write: (value, out) => out.utf8(value),
  read: (bytes, start, end) => bytes.toString('utf8', start, end),
};
const throwing: Serde<string> = {
  name: 'throwing',
  write: (value, out) => {
    out.utf8(value);
    throw new Error('cannot write this');
  },
  read: () => 'never',
};

interface Plain {
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

function read(batches: readonly Buffer[]): Plain[] {
  const records: Plain[] = [];
  const cursor = new RecordCursor();
  for (const batch of batches) {
    cursor.load(batch, { fetchOffset: 0, abortedTransactions: null });
    while (cursor.next()) {
      const { buffer, keyStart, keyEnd, valueStart, valueEnd } = cursor;
      records.push({
        timestamp: cursor.timestamp,
        key: keyStart < 0 ? null : Buffer.from(buffer.subarray(keyStart, keyEnd)),
        value: valueStart < 0 ? null : Buffer.from(buffer.subarray(valueStart, valueEnd)),
        headers: cursor.headers(),
      });
    }
  }
  return records;
}

function finishAll(batches: readonly SealedBatch[]): Buffer[] {
  return batches.map((batch) => finishBatch(batch, NO_PRODUCER));
}

function headerOf(batch: Buffer): BatchHeader {
  const headers: BatchHeader[] = [];
  expect(forEachBatch(batch, (header) => headers.push(header))).toBe(batch.length);
  expect(headers).toHaveLength(1);
  return headers[0]!;
}

function appendPlain(builder: BatchBuilder, { timestamp, key, value, headers }: Plain): number {
  return builder.appendBytes(timestamp, key, 0, key?.length ?? 0, value, 0, value?.length ?? 0, headers);
}

const bytes = fc.uint8Array({ maxLength: 200, size: 'max' }).map((array) => Buffer.from(array));
const plainRecord: fc.Arbitrary<Plain> = fc.record({
  timestamp: fc.oneof(fc.integer({ min: NOW - 5000, max: NOW + 5000 }), fc.constantFrom(-1, 0, 8.64e15)),
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(
    fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 10 }), value: fc.option(bytes) }),
    {
      maxLength: 3,
    },
  ),
});

describe('round trip', () => {
  test.each<CompressionName>(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    '%s: any records, in batches within the limit',
    (compression) => {
      fc.assert(
        fc.property(fc.array(plainRecord, { minLength: 1, maxLength: 60, size: 'max' }), (records) => {
          const builder = new BatchBuilder({ maxBatchBytes: 4096, compression, initialCapacity: 100 });
          const sizes = records.map((record) => appendPlain(builder, record));
          const { byteLength, recordCount } = builder;
          const batches = builder.take();
          const sealedBytes = batches.reduce((total, { buffer }) => total + buffer.length, 0);
          expect(recordCount).toBe(records.length);
          expect(byteLength).toBe(sealedBytes);
          expect(sealedBytes).toBe(sizes.reduce((total, size) => total + size, 0) + 61 * batches.length);
          expect(batches.reduce((total, batch) => total + batch.recordCount, 0)).toBe(records.length);
          const finished = finishAll(batches);
          for (const batch of finished) expect(batch.length).toBeLessThanOrEqual(4096);
          expect(JSON.stringify(read(finished))).toBe(JSON.stringify(records));
        }),
        // Shrinking 60 records takes minutes.
        { numRuns: 30, endOnFailure: true },
      );
    },
  );

  test('through serdes, with null serdes as null key and value', () => {
    const builder = new BatchBuilder({ maxBatchBytes: 1000 });
    builder.append(NOW, text, 'k', text, 'grüße', null);
    builder.append(NOW + 1, null, null, text, '', null);
    builder.append(NOW + 2, text, '', null, null, [{ key: 'h', value: null }]);
    builder.appendKeyed(NOW + 3, Buffer.from('..key..'), 2, 5, text, 'v', null);
    builder.appendKeyed(NOW + 4, Buffer.from('gone'), 0, 4, null, null, []);
    const seen = read(finishAll(builder.take())).map(({ timestamp, key, value, headers }) => [
      timestamp - NOW,
      key?.toString() ?? null,
      value?.toString() ?? null,
      headers,
    ]);
    expect(seen).toEqual([
      [0, 'k', 'grüße', []],
      [1, null, '', []],
      [2, '', null, [{ key: 'h', value: null }]],
      [3, 'key', 'v', []],
      [4, 'gone', null, []],
    ]);
  });
});

describe('batches', () => {
  test('a full batch is sealed and the next begun, each filled as far as it goes', () => {
    const builder = new BatchBuilder({ maxBatchBytes: 61 + 3 * 20 });
    const size = builder.append(NOW, text, 'key', text, '0123456789', null);
    expect(size).toBe(20);
    for (let i = 1; i < 7; i++) builder.append(NOW + i, text, 'key', text, '0123456789', null);
    const batches = builder.take();
    expect(batches.map(({ recordCount }) => recordCount)).toEqual([3, 3, 1]);
    expect(
      batches.map(({ baseTimestamp, maxTimestamp }) => [baseTimestamp - NOW, maxTimestamp - NOW]),
    ).toEqual([
      [0, 2],
      [3, 5],
      [6, 6],
    ]);
    expect(batches[0]!.buffer.length).toBe(61 + 3 * 20);
  });

  test('the largest record that fits fits, one byte more does not, and nothing changes', () => {
    const limit = 500;
    const fits = new BatchBuilder({ maxBatchBytes: 61 + limit });
    // Length takes 2 bytes; attributes, two deltas, key length and header count 1 each; value length 2.
    expect(fits.append(NOW, null, null, text, 'x'.repeat(limit - 9), null)).toBe(limit);
    const before = fits.byteLength;
    for (const attempt of [
      () => fits.append(NOW, null, null, text, 'x'.repeat(limit - 8), null),
      () => fits.append(NOW, null, null, text, 'x'.repeat(100_000), null),
    ]) {
      expect(attempt).toThrow(
        expect.objectContaining({ code: 'TM3003', message: expect.stringContaining('limit is 500') }),
      );
    }
    expect(fits.byteLength).toBe(before);
    expect(fits.take().map(({ recordCount }) => recordCount)).toEqual([1]);
  });

  test('a record that does not fit behind a far timestamp goes to a batch of its own', () => {
    const builder = new BatchBuilder({ maxBatchBytes: 61 + 30 });
    builder.append(0, null, null, text, 'a', null);
    builder.append(8.64e15, null, null, text, 'x'.repeat(23), null);
    expect(builder.take().map(({ baseTimestamp }) => baseTimestamp)).toEqual([0, 8.64e15]);
  });

  test('a serde that throws leaves no trace', () => {
    const builder = new BatchBuilder({ maxBatchBytes: 1000 });
    builder.append(NOW, text, 'a', text, 'b', null);
    const { byteLength } = builder;
    expect(() => builder.append(NOW, text, 'k', throwing, 'v', null)).toThrow('cannot write this');
    expect(() => builder.append(NOW, throwing, 'k', text, 'v', null)).toThrow('cannot write this');
    expect(builder.byteLength).toBe(byteLength);
    builder.append(NOW, text, 'c', text, 'd', null);
    expect(read(finishAll(builder.take())).map(({ key }) => String(key))).toEqual(['a', 'c']);
  });

  test.each([-2, 0.5, NaN, Infinity, 8.64e15 + 1])('timestamp %d is refused', (timestamp) => {
    const builder = new BatchBuilder({ maxBatchBytes: 1000 });
    expect(() => builder.append(timestamp, null, null, text, 'v', null)).toThrow(
      expect.objectContaining({ code: 'TM3006' }),
    );
    expect(builder.isEmpty).toBe(true);
  });

  test('taking hands everything out once; what was handed out stays as it was', () => {
    const builder = new BatchBuilder({ maxBatchBytes: 100 });
    expect(builder.take()).toEqual([]);
    for (let i = 0; i < 10; i++) builder.append(NOW, null, null, text, `first ${i}`, null);
    expect([builder.recordCount, builder.isEmpty]).toEqual([10, false]);
    const first = builder.take();
    expect([builder.recordCount, builder.byteLength, builder.isEmpty]).toEqual([0, 0, true]);
    for (let i = 0; i < 10; i++) builder.append(NOW, null, null, text, `other ${i}`, null);
    builder.take();
    expect(read(finishAll(first)).map(({ value }) => String(value))).toEqual(
      Array.from({ length: 10 }, (_, i) => `first ${i}`),
    );
  });
});

describe('finishBatch', () => {
  const producer: BatchProducer = {
    producerId: 9_000_000_000_001n,
    producerEpoch: 12,
    baseSequence: 345,
    transactional: true,
  };

  function sealed(compression: CompressionName, value: string | Buffer): SealedBatch {
    const builder = new BatchBuilder({ maxBatchBytes: 100_000, compression });
    const valueBytes = Buffer.from(value);
    builder.appendBytes(NOW + 9, null, 0, 0, valueBytes, 0, valueBytes.length, null);
    builder.appendBytes(NOW, null, 0, 0, valueBytes, 0, valueBytes.length, null);
    return builder.take()[0]!;
  }

  test('writes the header that a broker expects', () => {
    expect(headerOf(finishBatch(sealed('none', 'v'), producer))).toMatchObject({
      baseOffset: 0,
      lastOffset: 1,
      leaderEpoch: -1,
      attributes: 0x10,
      baseTimestamp: NOW + 9,
      maxTimestamp: NOW + 9,
      recordCount: 2,
      producerId: 9_000_000_000_001n,
      producerEpoch: 12,
      baseSequence: 345,
    });
    expect(headerOf(finishBatch(sealed('none', 'v'), NO_PRODUCER))).toMatchObject({
      attributes: 0,
      producerId: -1n,
      producerEpoch: -1,
      baseSequence: -1,
    });
  });

  test('may be done again with another producer', () => {
    const batch = sealed('lz4', 'many times the same '.repeat(50));
    finishBatch(batch, NO_PRODUCER);
    const again = finishBatch(batch, producer);
    expect(headerOf(again)).toMatchObject({ compression: 'lz4', transactional: true, baseSequence: 345 });
    expect(read([again])).toHaveLength(2);
  });

  test('sends as they are records that compression would make longer', () => {
    const batch = sealed('gzip', Buffer.from([1, 2, 3]));
    const finished = finishBatch(batch, producer);
    expect(headerOf(finished)).toMatchObject({ compression: 'none', transactional: true });
    expect(finished.length).toBe(batch.buffer.length);
  });
});
