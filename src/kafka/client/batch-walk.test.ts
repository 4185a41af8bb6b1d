import { firstProducer, walkBatches } from './batch-walk';
import { testBatch } from './testing/test-batches';

const one = testBatch({ baseOffset: 10, values: ['a', 'b'] });
const compacted = testBatch({ baseOffset: 12, values: [], lastOffset: 19, producerId: 8n });

describe('walkBatches', () => {
  it('goes behind the last whole batch, also one that compaction emptied', () => {
    const cut = Buffer.concat([one, compacted, one.subarray(0, 30)]);
    expect(walkBatches(cut, 'x')).toEqual({
      wholeBytes: one.length + compacted.length,
      nextOffset: 20,
      firstBatchBytes: 0,
    });
  });

  it('knows how large a batch is that was cut', () => {
    expect(walkBatches(one.subarray(0, 40), 'x')).toEqual({
      wholeBytes: 0,
      nextOffset: -1,
      firstBatchBytes: one.length,
    });
    expect(walkBatches(one.subarray(0, 5), 'x').firstBatchBytes).toBe(0);
  });

  it('refuses damage', () => {
    const old = Buffer.from(one);
    old[16] = 1;
    const short = Buffer.from(one);
    short.writeInt32BE(3, 8);
    for (const bytes of [old, short]) {
      expect(() => walkBatches(bytes, 't-0@10')).toThrow(
        expect.objectContaining({ code: 'TM2006', where: 't-0@10' }),
      );
    }
  });

  it('names the producer of the first batch', () => {
    expect(firstProducer(compacted)).toEqual({ producerId: 8n, producerEpoch: 7 });
    expect(firstProducer(null)).toBeNull();
    expect(firstProducer(compacted.subarray(0, 50))).toBeNull();
  });
});
