import { forEachBatch } from '../../../codec/batch-header';
import type { ProducerIdentity } from '../../../port';
import type { Bench } from '../bench';
import { OK } from '../errors';
import { readDrained } from '../reading';
import { textsOf } from '../records';
import type { TestTopic } from '../topic';

const SEGMENT_MS = 60_000;
const CLEANING_LIMIT_MS = 60_000;
/** Only closed segments are cleaned; one is closed by a record that is later than its first by more than `segment.ms`. */
const COMPACTED = {
  'cleanup.policy': 'compact',
  'segment.ms': String(SEGMENT_MS),
  'min.cleanable.dirty.ratio': '0.0001',
  'min.compaction.lag.ms': '0',
};

/** What the cleaner leaves behind: changelogs are such topics. */
export function compaction(bench: Bench): void {
  it('leaves holes between and inside batches, over which our reader goes without a fetch for each offset', async () => {
    const topic = await bench.topic(1, COMPACTED);
    const values = Array.from({ length: 300 }, (_, i) => ({ key: `${i % 3}`, value: `${i}` }));
    await topic.send(values);
    await topic.send(values.slice(0, 2));
    // Its last record goes: the batch still ends where it ended.
    await topic.send([
      { key: 'stays', value: 'stays' },
      { key: '0', value: 'goes' },
    ]);
    await topic.send([{ key: '0', value: 'last' }]);
    await cleaned(bench, topic, ['299', '1', 'stays', 'last']);
    const run = await readDrained(bench, topic);
    expect(run.records.map(({ offset }) => offset)).toEqual([299, 301, 302, 304, 305]);
    expect(run.requests).toBeLessThan(10);
    expect(run.position).toBe(306);
    // A batch for each answer: what counts is where a batch ended, not what is left of it.
    const pieces = await readDrained(bench, topic, { maxPartitionBytes: 1 });
    expect(pieces.records).toEqual(run.records);
    expect(pieces.requests).toBeLessThan(20);
    // From a hole the next record is the first.
    expect(textsOf((await readDrained(bench, topic, { from: 300 })).records)[0]).toBe('1');
  });

  it('leaves empty batches, which our reader passes', async () => {
    const topic = await bench.topic(1, COMPACTED);
    const producers = [await identity(bench), await identity(bench), await identity(bench)];
    for (const producer of producers) {
      const value = `of ${producer.producerId}`;
      expect((await topic.send([{ key: 'k', value }], { producer, baseSequence: 0 })).error).toBe(OK);
    }
    await cleaned(bench, topic, [`of ${producers[2]!.producerId}`]);
    // The last batch of a producer stays without its records, so that its sequence numbers are known.
    const { records } = await topic.fetch({ isolation: 'read_uncommitted' });
    const counts: number[] = [];
    forEachBatch(records!, ({ baseOffset, recordCount }) => baseOffset < 3 && counts.push(recordCount));
    expect(counts).toEqual([0, 0, 1]);
    const run = await readDrained(bench, topic);
    expect(run.records.map(({ offset }) => offset)).toEqual([2, 3]);
    expect(run.position).toBe(4);
    expect((await readDrained(bench, topic, { from: 1 })).records.map(({ offset }) => offset)).toEqual([
      2, 3,
    ]);
  });

  it('removes aborted records, and never an older value for their sake', async () => {
    const topic = await bench.topic(1, COMPACTED);
    const producer = await bench.producer();
    await producer.write(
      topic,
      [
        { key: 'k', value: 'old' },
        { key: 'other', value: 'gone' },
      ],
      true,
    );
    await producer.write(topic, [{ key: 'other', value: 'committed' }], true);
    await producer.write(topic, [{ key: 'k', value: 'aborted' }], false);
    await topic.stable();
    await cleaned(bench, topic, ['old', 'committed']);
    expect(await topic.texts('read_uncommitted')).toEqual(['old', 'committed', CLOSER]);
  });

  it('keeps what lies behind an open transaction as it is', async () => {
    const topic = await bench.topic(1, COMPACTED);
    const open = await bench.producer();
    await topic.send([{ key: 'a', value: '1' }]);
    await topic.send([{ key: 'a', value: '2' }]);
    await open.add(topic.at());
    await open.send(topic, [{ key: 'b', value: '1' }]);
    await topic.send([{ key: 'b', value: '2' }]);
    await topic.send([closer(bench)]);
    await bench.sleep(1_000);
    const uncommitted = await topic.texts('read_uncommitted');
    expect(uncommitted.slice(-3)).toEqual(['1', '2', CLOSER]);
    expect(await open.end(false)).toBe(OK);
  });
}

const CLOSER = 'closes the segment';

function closer(bench: Bench): { key: string; value: string; timestamp: number } {
  return { key: 'closer', value: CLOSER, timestamp: bench.now() + 2 * SEGMENT_MS };
}

/** Closes the segment and waits until these values, and the one that closed it, are all that is left. */
async function cleaned(bench: Bench, topic: TestTopic, left: readonly string[]): Promise<void> {
  await topic.send([closer(bench)]);
  const wanted = [...left, CLOSER];
  let seen: unknown = [];
  const isClean = async (): Promise<true | undefined> => {
    seen = await topic.texts();
    return JSON.stringify(seen) === JSON.stringify(wanted) ? true : undefined;
  };
  await bench.eventually('the cleaner', isClean, CLEANING_LIMIT_MS).catch((error: unknown) => {
    throw new Error(`the log holds ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}`, { cause: error });
  });
}

async function identity(bench: Bench): Promise<ProducerIdentity> {
  const request = { transactionalId: null, transactionTimeoutMs: 60_000, current: null };
  return bench.settled(() => bench.port.initProducerId(request));
}
