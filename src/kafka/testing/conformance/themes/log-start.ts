import { EARLIEST } from '../../../port';
import type { Bench } from '../bench';
import { nameOf, OK } from '../errors';
import { readDrained } from '../reading';
import { textsOf } from '../records';
import type { TestTopic } from '../topic';

/** Where a log begins, and what becomes of a reader whose offset is not in it: an error, never a jump. */
export function logStart(bench: Bench): void {
  it('moves with DeleteRecords', async () => {
    const topic = await filled(bench);
    expect(await deleteBefore(bench, topic, 2)).toBe(OK);
    expect(await topic.offset(EARLIEST)).toBe(2);
    expect(await topic.ends()).toEqual({ start: 2, lastStable: 5, highWatermark: 5 });
    expect((await topic.fetch({ from: 2 })).logStartOffset).toBe(2n);
    expect(await topic.texts()).toEqual(['2', '3', '4']);
    // It never goes back, and that is no error.
    expect(await deleteBefore(bench, topic, 1)).toBe(OK);
    expect(await topic.offset(EARLIEST)).toBe(2);
  });

  it('moves to the end with -1, and offsets go on from there', async () => {
    const topic = await filled(bench);
    expect(await deleteBefore(bench, topic, -1)).toBe(OK);
    expect(await topic.ends()).toEqual({ start: 5, lastStable: 5, highWatermark: 5 });
    expect(await topic.texts()).toEqual([]);
    expect(await topic.send(['next'])).toEqual({ error: OK, offset: 5 });
  });

  it('does not move beyond the end', async () => {
    const topic = await filled(bench);
    expect(await deleteBefore(bench, topic, 6)).toBe('OFFSET_OUT_OF_RANGE');
    expect(await topic.offset(EARLIEST)).toBe(0);
    const nowhere = [{ ...topic.at(7), offset: 1n }];
    const [answer] = await bench.port.deleteRecords(nowhere, await topic.leader());
    expect(nameOf(answer)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });

  it.each(['read_committed', 'read_uncommitted'] as const)(
    'below it and above the end %s gets OFFSET_OUT_OF_RANGE',
    async (isolation) => {
      const topic = await filled(bench);
      await deleteBefore(bench, topic, 2);
      for (const from of [0, 1, 6, 100]) {
        const answer = await topic.fetch({ from, isolation });
        expect([from, nameOf(answer), answer.records?.length ?? 0]).toEqual([from, 'OFFSET_OUT_OF_RANGE', 0]);
      }
      expect(nameOf(await topic.fetch({ from: 5, isolation }))).toBe(OK);
    },
  );

  it('above the last stable offset is not out of range, only not readable yet', async () => {
    const topic = await filled(bench);
    const producer = await bench.producer();
    await producer.add(topic.at());
    await producer.send(topic, ['open', 'open']);
    const answer = await topic.fetch({ from: 6 });
    expect([nameOf(answer), answer.records?.length ?? 0]).toEqual([OK, 0]);
    expect(await producer.end(false)).toBe(OK);
  });

  it('is a loud stop for our reader: deleted before it was read', async () => {
    const topic = await filled(bench);
    await deleteBefore(bench, topic, 3);
    await expect(readDrained(bench, topic, { from: 1 })).rejects.toMatchObject({
      code: 'TM4003',
      message: `offset 1 of ${topic.name}-0 is not in the log: the log holds 3 to 5`,
    });
  });

  it('is a loud stop for our reader: the topic was made anew', async () => {
    const topic = await filled(bench);
    expect(nameOf((await bench.port.deleteTopics([topic.name]))[0])).toBe(OK);
    await remade(bench, topic);
    await topic.send(['of the new one']);
    await expect(readDrained(bench, topic, { from: 5 })).rejects.toMatchObject({
      code: 'TM4003',
      message: `offset 5 of ${topic.name}-0 is not in the log: the log holds 0 to 1`,
    });
  });

  it('may lie in the middle of a batch, and of a transaction', async () => {
    const topic = await bench.topic();
    const [aborted, kept] = [await bench.producer(), await bench.producer()];
    await aborted.add(topic.at());
    await aborted.send(topic, ['dropped 0', 'dropped 1', 'dropped 2']);
    await kept.write(topic, ['kept 3', 'kept 4', 'kept 5'], true);
    await aborted.send(topic, ['dropped 7']);
    expect(await aborted.end(false)).toBe(OK);
    await topic.stable();
    expect(await deleteBefore(bench, topic, 4)).toBe(OK);
    expect(textsOf((await readDrained(bench, topic, { from: 4 })).records)).toEqual(['kept 4', 'kept 5']);
  });

  it('leaves a transaction whose first records are deleted to be ended', async () => {
    const topic = await bench.topic();
    const producer = await bench.producer();
    await producer.add(topic.at());
    await producer.send(topic, ['0', '1']);
    expect(await deleteBefore(bench, topic, 1)).toBe(OK);
    await producer.send(topic, ['2']);
    expect(await producer.end(true)).toBe(OK);
    await topic.stable();
    expect(await topic.texts()).toEqual(['1', '2']);
  });
}

/** Five records, a batch each. */
async function filled(bench: Bench): Promise<TestTopic> {
  const topic = await bench.topic();
  for (let i = 0; i < 5; i++) await topic.send([`${i}`]);
  return topic;
}

async function deleteBefore(bench: Bench, topic: TestTopic, offset: number): Promise<string> {
  const offsets = [{ ...topic.at(), offset: BigInt(offset) }];
  return nameOf((await bench.port.deleteRecords(offsets, await topic.leader()))[0]);
}

/** Creates the topic anew once the old one is gone, with another id. */
async function remade(bench: Bench, topic: TestTopic): Promise<void> {
  await bench.eventually('the topic to be made anew', async () => {
    const wanted = { topic: topic.name, partitions: 1, replicationFactor: bench.brokers, configs: {} };
    const [created] = await bench.port.createTopics([wanted]);
    return created?.errorCode === 0 ? true : undefined;
  });
  topic.forgetLeaders();
  await bench.eventually('its leader', () => topic.isReady(0));
}
