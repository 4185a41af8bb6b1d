import type { CompressionName } from '../../../codec/types';
import type { Bench } from '../bench';
import { nameOf, OK } from '../errors';
import { batchOf, textsOf, valueFilling } from '../records';

const MAX_MESSAGE_BYTES = 20_000;
const HOUR_MS = 3_600_000;
const CODECS: readonly CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** Records without producer id: what is taken, where it lands, how it comes back. */
export function produce(bench: Bench): void {
  it('gives out offsets in order, and says where the batch begins', async () => {
    const topic = await bench.topic(2);
    expect(await topic.send(['a', 'b'])).toEqual({ error: OK, offset: 0 });
    expect(await topic.send(['c'])).toEqual({ error: OK, offset: 2 });
    expect(await topic.send(['other'], { partition: 1 })).toEqual({ error: OK, offset: 0 });
    expect(await topic.produce(batchOf(['d'], { time: bench.now() }))).toMatchObject({
      ...{ baseOffset: 3n, logStartOffset: 0n, logAppendTime: -1n },
    });
    expect(await topic.texts()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('keeps the order of calls on one client, also when none waits for the one before', async () => {
    const topic = await bench.topic();
    const values = Array.from({ length: 40 }, (_, i) => String(i).padEnd(i % 2 === 0 ? 10 : 9_000, '.'));
    const sent = await Promise.all(values.map((value) => topic.send([value])));
    expect(sent.map(({ offset }) => offset)).toEqual(values.map((_, i) => i));
    expect(await topic.texts()).toEqual(values);
  });

  it('takes a batch of exactly max.message.bytes, and none of one byte more', async () => {
    const topic = await bench.topic(1, { 'max.message.bytes': String(MAX_MESSAGE_BYTES) });
    const fits = valueFilling(MAX_MESSAGE_BYTES);
    expect(await topic.send([fits])).toEqual({ error: OK, offset: 0 });
    expect((await topic.send([`${fits}x`])).error).toBe('MESSAGE_TOO_LARGE');
    expect(await topic.texts()).toEqual([fits]);
    expect((await topic.ends()).highWatermark).toBe(1);
  });

  it('measures a compressed batch as it is sent', async () => {
    const topic = await bench.topic(1, { 'max.message.bytes': String(MAX_MESSAGE_BYTES) });
    const value = 'x'.repeat(2 * MAX_MESSAGE_BYTES);
    expect((await topic.send([value], { compression: 'gzip' })).error).toBe(OK);
    expect(await topic.texts()).toEqual([value]);
  });

  it('writes nothing of a batch that it refuses, and takes the other partitions of the request', async () => {
    const topic = await bench.topic(1, { 'max.message.bytes': String(MAX_MESSAGE_BYTES) });
    const other = await bench.topic();
    const [batch, tooLarge] = [['x'], ['x'.repeat(MAX_MESSAGE_BYTES)]].map((values) =>
      batchOf(values, { time: bench.now() }),
    );
    const partitions = [
      { ...topic.at(0), batch: tooLarge! },
      { ...topic.at(9), batch: batch! },
      ...((await other.leader()) === (await topic.leader()) ? [{ ...other.at(), batch: batch! }] : []),
    ];
    const request = { transactionalId: null, acks: -1, timeoutMs: 10_000, partitions } as const;
    const answers = (await bench.port.produce(await topic.leader(), request)).partitions;
    const errors = partitions.map(({ topic: name, partition }) =>
      nameOf(answers.find((answer) => answer.topic === name && answer.partition === partition)),
    );
    expect(errors.slice(0, 2)).toEqual(['MESSAGE_TOO_LARGE', 'UNKNOWN_TOPIC_OR_PARTITION']);
    expect(errors.slice(2)).toEqual(errors.slice(2).map(() => OK));
    expect((await topic.ends()).highWatermark).toBe(0);
  });

  it('writes without an acknowledgement', async () => {
    const topic = await bench.topic();
    const batch = batchOf(['quiet'], { time: bench.now() });
    const request = { transactionalId: null, acks: 0, timeoutMs: 1_000 } as const;
    const answer = await bench.port.produce(await topic.leader(), {
      ...request,
      partitions: [{ ...topic.at(), batch }],
    });
    expect(answer.partitions[0]).toMatchObject({ errorCode: 0, baseOffset: -1n });
    const read = await bench.eventually('the record', async () => {
      const texts = await topic.texts();
      return texts.length > 0 ? texts : undefined;
    });
    expect(read).toEqual(['quiet']);
  });

  it('refuses a damaged batch', async () => {
    const topic = await bench.topic();
    const batch = batchOf(['value'], { time: bench.now() });
    batch[batch.length - 2]! ^= 1;
    expect(nameOf(await topic.produce(batch))).toBe('CORRUPT_MESSAGE');
    expect((await topic.ends()).highWatermark).toBe(0);
  });

  it('refuses a record without key for a compacted topic', async () => {
    const topic = await bench.topic(1, { 'cleanup.policy': 'compact' });
    expect((await topic.send([{ key: null, value: 'v' }])).error).toBe('INVALID_RECORD');
    expect((await topic.send([{ key: 'k', value: null }])).error).toBe(OK);
  });

  it('refuses a time that is too far ahead of its own', async () => {
    const topic = await bench.topic(1, { 'message.timestamp.after.max.ms': String(HOUR_MS) });
    const ahead = bench.now() + 2 * HOUR_MS;
    expect((await topic.send([{ value: 'v', timestamp: ahead }])).error).toBe('INVALID_TIMESTAMP');
    expect((await topic.send([{ value: 'v', timestamp: ahead - 2 * HOUR_MS }])).error).toBe(OK);
  });

  it('gives back keys, values, headers and times as they were, null and empty apart', async () => {
    const topic = await bench.topic();
    const time = bench.now();
    const headers = [
      { key: 'twice', value: Buffer.from([0, 255]) },
      { key: 'twice', value: null },
      { key: '', value: Buffer.alloc(0) },
    ];
    await topic.send([
      { key: null, value: null, timestamp: time },
      { key: '', value: '', timestamp: time - 5 },
      { key: Buffer.alloc(4), value: 'zeros', headers, timestamp: time + 5 },
    ]);
    expect(await topic.read()).toEqual([
      { offset: 0, timestamp: time, key: null, value: null, headers: [] },
      { offset: 1, timestamp: time - 5, key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [] },
      { offset: 2, timestamp: time + 5, key: Buffer.alloc(4), value: Buffer.from('zeros'), headers },
    ]);
  });

  it('has its own time when the topic says LogAppendTime', async () => {
    const topic = await bench.topic(1, { 'message.timestamp.type': 'LogAppendTime' });
    const before = bench.now();
    const answer = await topic.produce(batchOf(['a', 'b'], { time: 1_000 }));
    expect(Number(answer.logAppendTime)).toBeGreaterThanOrEqual(before);
    const times = (await topic.read()).map(({ timestamp }) => timestamp);
    expect(times).toEqual([Number(answer.logAppendTime), Number(answer.logAppendTime)]);
  });

  it.each(CODECS)('keeps a batch with compression %s', async (compression) => {
    const topic = await bench.topic();
    const values = Array.from({ length: 100 }, (_, i) => `${i}`.padEnd(200, 'abc'));
    expect((await topic.send(values, { compression })).error).toBe(OK);
    expect(textsOf(await topic.read())).toEqual(values);
  });

  it('finds offsets by time', async () => {
    const topic = await bench.topic();
    const time = bench.now();
    await topic.send([0, 10, 20].map((ms) => ({ value: `${ms}`, timestamp: time + ms })));
    await topic.send([{ value: 'late', timestamp: time + 5 }]);
    const asked = [0, 1, 10, 11, 21].map((ms) => topic.offset(BigInt(time + ms)));
    expect(await Promise.all(asked)).toEqual([0, 1, 1, 2, -1]);
  });
}
