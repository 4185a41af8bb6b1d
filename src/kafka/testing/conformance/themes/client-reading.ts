import { RecordCursor } from '../../../codec/batch-reader';
import { Fetcher } from '../../../client/fetcher';
import { readLog } from '../../../client/log-reader';
import { earliestOffsets, endOffsets, waitForStable } from '../../../client/offsets';
import { Pulse } from '../../../client/pulse';
import { tpKey } from '../../../port';
import type { Bench } from '../bench';
import { OK } from '../errors';
import { recordsOf, textsOf } from '../records';

const SOON_MS = 1_000;

/** The classes that read, on top of the port. */
export function clientReading(bench: Bench): void {
  it('the fetcher reads several partitions to their end, drains, and goes on when a record comes', async () => {
    const topic = await bench.topic(3);
    const producer = await bench.producer();
    await producer.write(topic, ['dropped'], false);
    await producer.write(topic, ['kept 1', 'kept 2'], true);
    await topic.settledAt(5);
    await topic.send(['of one'], { partition: 1 });
    const pulse = new Pulse(bench.platform.scheduler);
    const fetcher = new Fetcher({
      ...bench.client,
      isolation: 'read_committed',
      onReady: () => pulse.wake(),
    });
    const cursor = new RecordCursor();
    const seen: (string | null)[][] = [[], [], []];
    const take = async (): Promise<void> => {
      const chunk = fetcher.poll();
      if (chunk === null) return pulse.wait(SOON_MS);
      cursor.load(chunk.records, chunk);
      seen[chunk.partition]!.push(...textsOf(recordsOf(cursor)));
      expect(cursor.nextOffset).toBe(chunk.nextOffset);
    };
    for (const partition of [0, 1, 2]) fetcher.add(topic.name, partition, 0);
    while (!fetcher.isDrained()) await take();
    expect(seen).toEqual([['kept 1', 'kept 2'], ['of one'], []]);
    expect(fetcher.positionOf(topic.name, 0)).toBe(5);
    expect(fetcher.lag()).toBe(0);

    await topic.send(['later'], { partition: 2 });
    const sentAt = bench.platform.clock.monotonic();
    while (seen[2]!.length === 0) await take();
    expect(bench.platform.clock.monotonic() - sentAt).toBeLessThan(SOON_MS);
    fetcher.close();
  });

  it('whoever waits for a log to be decided is told who holds it open', async () => {
    const topic = await bench.topic();
    const open = await bench.producer();
    await topic.send(['plain']);
    expect(await open.add(topic.at())).toBe(OK);
    await open.send(topic, ['in doubt']);
    const key = tpKey(topic.name, 0);
    expect((await endOffsets(bench.client, [topic.at()], 'read_committed')).get(key)).toBe(1);
    expect((await endOffsets(bench.client, [topic.at()], 'read_uncommitted')).get(key)).toBe(2);
    const impatient = waitForStable(bench.client, { ...topic.at(), deadlineMs: 300 });
    await expect(impatient).rejects.toMatchObject({
      code: 'TM5003',
      message: expect.stringContaining(`producer ${open.identity.producerId} `) as string,
    });
    const waiting = waitForStable(bench.client, { ...topic.at(), deadlineMs: 20_000 });
    expect(await open.end(true)).toBe(OK);
    // The marker may have been written when the question was put.
    expect([2, 3]).toContain(await waiting);
    expect(await topic.texts()).toEqual(['plain', 'in doubt']);
  });

  it('a long log is read in order, in many pieces, from an offset to another', async () => {
    const topic = await bench.topic();
    const values = Array.from({ length: 4_000 }, (_, i) => `${i}`.padEnd(2_000, '.'));
    for (let i = 0; i < values.length; i += 400) {
      expect((await topic.send(values.slice(i, i + 400))).error).toBe(OK);
    }
    expect((await earliestOffsets(bench.client, [topic.at()])).get(tpKey(topic.name, 0))).toBe(0);
    let chunks = 0;
    const read: (string | null)[] = [];
    const onChunk = (cursor: RecordCursor): void => {
      chunks++;
      read.push(...textsOf(recordsOf(cursor)));
    };
    const range = { from: 10, to: 3_990, isolation: 'read_committed' } as const;
    await readLog({ ...bench.client, ...topic.at(), ...range, onChunk });
    expect(read).toEqual(values.slice(10, 3_990));
    expect(chunks).toBeGreaterThan(1);
  });
}
