import fc from 'fast-check';
import { BatchBuilder, finishBatch } from './batch-builder';
import { ATTRIBUTE, LAYOUT, writeSafeInt64 } from './batch-header';
import { RecordCursor, type FetchedRecords } from './batch-reader';
import { crc32c } from '../../util/crc32c';
import type { CompressionName } from './types';

const NOW = 1_760_000_000_000;
const MARKER_VALUE = Buffer.alloc(6);

interface BatchSpec {
  readonly base: number;
  readonly values: readonly string[];
  readonly key?: Buffer | null;
  readonly producerId?: bigint;
  readonly transactional?: boolean;
  readonly compression?: CompressionName;
  readonly leaderEpoch?: number;
}

function resealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch, LAYOUT.ATTRIBUTES), LAYOUT.CRC);
  return batch;
}

/** A batch as a broker stores it. */
function stored(spec: BatchSpec): Buffer {
  const { compression = 'none', producerId = -1n, transactional = false, key = null } = spec;
  const builder = new BatchBuilder({ maxBatchBytes: 1_000_000, compression });
  for (const value of spec.values) {
    const bytes = Buffer.from(value);
    builder.appendBytes(NOW, key, 0, key?.length ?? 0, bytes, 0, bytes.length, null);
  }
  const batch = finishBatch(builder.take()[0]!, {
    producerId,
    producerEpoch: 0,
    baseSequence: 0,
    transactional,
  });
  writeSafeInt64(batch, LAYOUT.BASE_OFFSET, spec.base);
  batch.writeInt32BE(spec.leaderEpoch ?? 4, LAYOUT.LEADER_EPOCH);
  return batch;
}

function marker(base: number, producerId: bigint, type: 'abort' | 'commit'): Buffer {
  const builder = new BatchBuilder({ maxBatchBytes: 1000 });
  const key = Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1]);
  builder.appendBytes(NOW, key, 0, 4, MARKER_VALUE, 0, 6, null);
  const batch = finishBatch(builder.take()[0]!, {
    producerId,
    producerEpoch: 0,
    baseSequence: -1,
    transactional: true,
  });
  writeSafeInt64(batch, LAYOUT.BASE_OFFSET, base);
  batch.writeInt16BE(batch.readInt16BE(LAYOUT.ATTRIBUTES) | ATTRIBUTE.CONTROL, LAYOUT.ATTRIBUTES);
  return resealed(batch);
}

function emptied(batch: Buffer, lastOffsetDelta: number): Buffer {
  const header = Buffer.from(batch.subarray(0, LAYOUT.RECORDS));
  header.writeInt32BE(LAYOUT.RECORDS - 12, LAYOUT.BATCH_LENGTH);
  header.writeInt32BE(lastOffsetDelta, LAYOUT.LAST_OFFSET_DELTA);
  header.writeInt32BE(0, LAYOUT.RECORD_COUNT);
  return resealed(header);
}

function cursorOver(batches: readonly Buffer[], options: Partial<FetchedRecords> = {}): RecordCursor {
  const cursor = new RecordCursor({ source: 'orders-3' });
  cursor.load(Buffer.concat(batches), { fetchOffset: 0, abortedTransactions: [], ...options });
  return cursor;
}

function rest(cursor: RecordCursor): string[] {
  const values: string[] = [];
  while (cursor.next()) values.push(cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd));
  return values;
}

const letters = stored({ base: 10, values: ['a', 'b', 'c'] });

describe('position', () => {
  test('begins at the offset that was asked for, inside a batch too', () => {
    expect(rest(cursorOver([letters], { fetchOffset: 11 }))).toEqual(['b', 'c']);
  });

  test('nextOffset follows the current record, then the batch', () => {
    const cursor = cursorOver([letters, stored({ base: 20, values: ['d'] })], { fetchOffset: 5 });
    expect(cursor.nextOffset).toBe(5);
    cursor.next();
    expect([cursor.offset, cursor.nextOffset]).toEqual([10, 11]);
    rest(cursor);
    expect(cursor.nextOffset).toBe(21);
  });

  test('passes a tail of markers, of aborted and of emptied batches', () => {
    const aborted = { producerId: 1n, firstOffset: 13n };
    const tail = [
      stored({ base: 13, values: ['x', 'y'], producerId: 1n, transactional: true }),
      marker(15, 1n, 'abort'),
      emptied(letters, 9),
    ];
    writeSafeInt64(tail[2]!, LAYOUT.BASE_OFFSET, 16);
    const cursor = cursorOver([letters, ...tail], { abortedTransactions: [aborted] });
    expect(rest(cursor)).toEqual(['a', 'b', 'c']);
    expect(cursor.nextOffset).toBe(26);
    expect(rest(cursorOver(tail, { fetchOffset: 13, abortedTransactions: [aborted] }))).toEqual([]);
  });

  test('does not go back when a batch ends below the offset that was asked for', () => {
    const cursor = cursorOver([letters], { fetchOffset: 50 });
    expect(rest(cursor)).toEqual([]);
    expect(cursor.nextOffset).toBe(50);
  });

  test('can be loaded again in the middle', () => {
    const cursor = cursorOver([letters]);
    cursor.next();
    cursor.load(stored({ base: 3, values: ['z'] }), { fetchOffset: 3, abortedTransactions: null });
    expect(rest(cursor)).toEqual(['z']);
    expect(cursor.nextOffset).toBe(4);
  });
});

describe('a partial batch', () => {
  test('at the end is left for the next fetch, wherever it is cut', () => {
    const second = stored({ base: 13, values: ['d'] });
    for (let cut = 1; cut < second.length; cut++) {
      const cursor = cursorOver([letters, second.subarray(0, cut)]);
      expect(rest(cursor)).toEqual(['a', 'b', 'c']);
      expect([cursor.nextOffset, cursor.needsLargerFetch]).toEqual([13, false]);
    }
  });

  test('alone asks for a larger fetch', () => {
    for (const length of [1, 16, 17, 61, letters.length - 1]) {
      const cursor = cursorOver([letters.subarray(0, length)], { fetchOffset: 10 });
      expect(cursor.next()).toBe(false);
      expect([cursor.nextOffset, cursor.needsLargerFetch]).toEqual([10, true]);
    }
  });

  test('nothing at all does not', () => {
    const cursor = cursorOver([]);
    expect(cursor.next()).toBe(false);
    expect(cursor.needsLargerFetch).toBe(false);
  });
});

describe('read_committed', () => {
  const txn = (base: number, producerId: bigint, ...values: string[]): Buffer =>
    stored({ base, values, producerId, transactional: true });

  test('a record whose key is four zero bytes is data', () => {
    const zero = stored({
      base: 0,
      values: ['data'],
      key: Buffer.alloc(4),
      producerId: 1n,
      transactional: true,
    });
    expect(rest(cursorOver([zero, marker(1, 1n, 'commit')]))).toEqual(['data']);
    // In an aborted transaction it must not end the abort either.
    const aborted = [{ producerId: 1n, firstOffset: 0n }];
    const log = [zero, txn(1, 1n, 'aborted'), marker(2, 1n, 'abort')];
    expect(rest(cursorOver(log, { abortedTransactions: aborted }))).toEqual([]);
  });

  test('records of the aborted producer outside a transaction are shown', () => {
    const aborted = [{ producerId: 1n, firstOffset: 0n }];
    const log = [stored({ base: 0, values: ['idempotent'], producerId: 1n }), txn(1, 1n, 'aborted')];
    expect(rest(cursorOver(log, { abortedTransactions: aborted }))).toEqual(['idempotent']);
  });

  test('a transaction that began before the fetch', () => {
    const aborted = [{ producerId: 1n, firstOffset: 2n }];
    const log = [txn(10, 1n, 'aborted'), marker(11, 1n, 'abort'), txn(12, 1n, 'committed')];
    expect(rest(cursorOver(log, { fetchOffset: 10, abortedTransactions: aborted }))).toEqual(['committed']);
  });

  test('null: aborted records are shown, markers are not', () => {
    const log = [txn(0, 1n, 'aborted'), marker(1, 1n, 'abort')];
    expect(rest(cursorOver(log, { abortedTransactions: null }))).toEqual(['aborted']);
  });

  test('any interleaving of transactions shows the committed ones', () => {
    const step = fc.record({
      producer: fc.integer({ min: 1, max: 3 }),
      action: fc.constantFrom('write', 'write', 'abort', 'commit'),
    });
    const shuffleSeed = fc.array(fc.nat(1000), { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 25, size: 'max' }),
        shuffleSeed,
        fc.nat(10),
        (steps, order, from) => {
          const log: Buffer[] = [];
          const open = new Map<number, number[]>();
          const committed: number[] = [];
          const aborted: { producerId: bigint; firstOffset: bigint }[] = [];
          const ends = [...steps, ...[1, 2, 3].map((producer) => ({ producer, action: 'abort' }))];
          ends.forEach(({ producer, action }, offset) => {
            const offsets = open.get(producer);
            const producerId = BigInt(producer);
            if (action === 'write') {
              open.set(producer, [...(offsets ?? []), offset]);
              log.push(txn(offset, producerId, String(offset)));
            } else if (offsets === undefined) {
              committed.push(offset);
              log.push(stored({ base: offset, values: [String(offset)] }));
            } else {
              open.delete(producer);
              log.push(marker(offset, producerId, action === 'abort' ? 'abort' : 'commit'));
              if (action === 'abort') aborted.push({ producerId, firstOffset: BigInt(offsets[0]!) });
              else committed.push(...offsets);
            }
          });
          const abortedTransactions = aborted
            .map((entry, index) => ({ entry, rank: order[index % order.length]! }))
            .sort((a, b) => a.rank - b.rank)
            .map(({ entry }) => entry);
          const cursor = cursorOver(log, { fetchOffset: from, abortedTransactions });
          const expected = committed.filter((offset) => offset >= from).sort((a, b) => a - b);
          expect(rest(cursor)).toEqual(expected.map(String));
          expect(cursor.nextOffset).toBe(Math.max(from, ends.length));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('damage', () => {
  test('every flipped bit behind the CRC is found', () => {
    const damagedAt = fc.nat((letters.length - LAYOUT.CRC) * 8 - 1);
    fc.assert(
      fc.property(damagedAt, (bit) => {
        const batch = Buffer.from(letters);
        batch[LAYOUT.CRC + (bit >> 3)]! ^= 1 << (bit & 7);
        expect(() => rest(cursorOver([batch]))).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/TM200[67]/) }),
        );
      }),
    );
  });

  test('any damage without a CRC ends in an error or in records, never elsewhere', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(letters.length - 1), fc.nat(255)), { minLength: 1 }),
        (changes) => {
          const batch = Buffer.from(letters);
          for (const [at, byte] of changes) batch[at] = byte;
          const cursor = cursorOver([batch], { verifyCrc: false });
          try {
            while (cursor.next()) {
              expect(cursor.valueEnd).toBeLessThanOrEqual(batch.length);
              cursor.headers();
            }
          } catch (error) {
            expect(error).toMatchObject({ code: expect.stringMatching(/TM200[67]/) });
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('says where', () => {
    const batch = Buffer.from(stored({ base: 13, values: ['d'] }));
    batch[batch.length - 2]! ^= 1;
    const cursor = cursorOver([letters, batch]);
    expect(() => rest(cursor)).toThrow(
      expect.objectContaining({ code: 'TM2006', where: `orders-3@13, byte ${letters.length} of the fetch` }),
    );
  });

  test.each<[string, (batch: Buffer) => void]>([
    ['more records than there are', (batch) => batch.writeInt32BE(4, LAYOUT.RECORD_COUNT)],
    ['fewer records than there are', (batch) => batch.writeInt32BE(2, LAYOUT.RECORD_COUNT)],
    ['an offset beyond the last', (batch) => batch.writeInt32BE(1, LAYOUT.LAST_OFFSET_DELTA)],
    ['a negative last offset', (batch) => batch.writeInt32BE(-1, LAYOUT.LAST_OFFSET_DELTA)],
    ['an offset beyond 2^53', (batch) => batch.writeInt32BE(0x20_0000, LAYOUT.BASE_OFFSET)],
    ['too small a length', (batch) => batch.writeInt32BE(48, LAYOUT.BATCH_LENGTH)],
    ['a future format', (batch) => batch.writeInt8(3, LAYOUT.MAGIC)],
  ])('%s', (_name, damage) => {
    const batch = Buffer.from(letters);
    damage(batch);
    expect(() => rest(cursorOver([batch], { verifyCrc: false }))).toThrow(
      expect.objectContaining({ code: 'TM2006' }),
    );
  });

  test('a codec that nobody has heard of', () => {
    const batch = Buffer.from(letters);
    batch.writeInt16BE(5, LAYOUT.ATTRIBUTES);
    expect(() => rest(cursorOver([resealed(batch)]))).toThrow(expect.objectContaining({ code: 'TM2007' }));
  });

  test('a batch that grows beyond the limit', () => {
    const bomb = stored({ base: 0, values: ['x'.repeat(100_000)], compression: 'gzip' });
    const cursor = new RecordCursor({ source: 'orders-3', maxDecompressedBytes: 10_000 });
    cursor.load(bomb, { fetchOffset: 0, abortedTransactions: null });
    expect(() => cursor.next()).toThrow(expect.objectContaining({ code: 'TM2006' }));
  });
});

test('headers are decoded once, on demand, and outlive the fetch', () => {
  const builder = new BatchBuilder({ maxBatchBytes: 1000 });
  builder.appendBytes(NOW, null, 0, 0, null, 0, 0, [{ key: 'h', value: Buffer.from('kept') }]);
  builder.appendBytes(NOW, null, 0, 0, null, 0, 0, null);
  const bytes = finishBatch(builder.take()[0]!, {
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    transactional: false,
  });
  const cursor = cursorOver([bytes]);
  const loaded = cursor.next() && cursor.buffer;
  const headers = cursor.headers();
  expect(cursor.headers()).toBe(headers);
  if (loaded !== false) loaded.fill(0, LAYOUT.RECORDS + 1);
  expect(headers).toEqual([{ key: 'h', value: Buffer.from('kept') }]);
});

test('a compressed batch has a buffer of its own', () => {
  const packed = stored({ base: 13, values: ['d'.repeat(500), 'e'.repeat(500)], compression: 'zstd' });
  const cursor = cursorOver([letters, packed, stored({ base: 15, values: ['f'] })]);
  expect(rest(cursor)).toEqual(['a', 'b', 'c', 'd'.repeat(500), 'e'.repeat(500), 'f']);
});
