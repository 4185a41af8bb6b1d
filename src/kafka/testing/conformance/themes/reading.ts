import { forEachBatch } from '../../../codec/batch-header';
import { LATEST } from '../../../port';
import type { Bench } from '../bench';
import { OK } from '../errors';
import { readDrained } from '../reading';
import { textsOf } from '../records';

const SMALL_ANSWER_BYTES = 4_000;
/** Commit and abort markers have the keys 0,0,0,1 and 0,0,0,0: so may a user's record. */
const LOOKS_LIKE_ABORT = Buffer.alloc(4);

/** What a reader gets: the broker's answers, and what our reader makes of them. */
export function reading(bench: Bench): void {
  describe('read_committed', () => {
    it('hides interleaved aborted transactions, whose list is not sorted by offset', async () => {
      const topic = await bench.topic();
      const [first, second, kept] = [await bench.producer(), await bench.producer(), await bench.producer()];
      for (const producer of [first, second, kept]) await producer.add(topic.at());
      await first.send(topic, ['a1']);
      await second.send(topic, ['b1']);
      await kept.send(topic, ['k1']);
      await first.send(topic, ['a2']);
      await kept.send(topic, ['k2']);
      // The list follows the markers: the transaction that began last comes first.
      expect(await second.end(false)).toBe(OK);
      await bench.eventually('a marker', async () =>
        (await topic.ends()).highWatermark === 6 ? true : undefined,
      );
      await first.send(topic, ['a3']);
      expect(await first.end(false)).toBe(OK);
      expect(await kept.end(true)).toBe(OK);
      await topic.stable();
      const { abortedTransactions } = await topic.fetch();
      expect(abortedTransactions?.map(({ firstOffset }) => firstOffset)).toEqual([1n, 0n]);
      expect(await topic.texts()).toEqual(['k1', 'k2']);
      expect(await topic.texts('read_uncommitted')).toEqual(['a1', 'b1', 'k1', 'a2', 'k2', 'a3']);
    });

    it('hides an aborted transaction that spans many fetches, whichever one begins in it', async () => {
      const topic = await bench.topic();
      const [large, small] = [await bench.producer(), await bench.producer()];
      await large.add(topic.at());
      const kept: string[] = [];
      for (let i = 0; i < 30; i++) {
        await large.send(topic, [`dropped ${i}`.padEnd(1_500, '.')]);
        await small.write(topic, [`kept ${i}`], true);
        kept.push(`kept ${i}`);
      }
      expect(await large.end(false)).toBe(OK);
      const end = 3 * kept.length + 1;
      await topic.settledAt(end);
      const run = await readDrained(bench, topic, { maxPartitionBytes: SMALL_ANSWER_BYTES });
      expect(textsOf(run.records)).toEqual(kept);
      expect(run.chunks).toBeGreaterThan(5);
      expect(run.position).toBe(end);
      const half = await readDrained(bench, topic, { from: 46, maxPartitionBytes: SMALL_ANSWER_BYTES });
      expect(textsOf(half.records)).toEqual(kept.slice(-half.records.length));
      expect(half.records.length).toBeGreaterThan(5);
    });

    it('shows a committed record whose key looks like an abort marker', async () => {
      const topic = await bench.topic();
      const producer = await bench.producer();
      const other = await bench.producer();
      await other.add(topic.at());
      await other.send(topic, ['dropped']);
      await producer.write(topic, [{ key: LOOKS_LIKE_ABORT, value: 'kept' }, 'behind it'], true);
      await other.send(topic, [{ key: LOOKS_LIKE_ABORT, value: 'dropped as well' }, 'and this']);
      expect(await other.end(false)).toBe(OK);
      await topic.stable();
      expect(await topic.texts()).toEqual(['kept', 'behind it']);
    });

    it.each([true, false])(
      'comes to the end of a log whose tail is only markers (committed: %s)',
      async (committed) => {
        const topic = await bench.topic();
        await topic.send(['record']);
        const producer = await bench.producer();
        for (let i = 0; i < 3; i++) {
          await producer.add(topic.at());
          if (!committed) await producer.send(topic, ['dropped']);
          expect(await producer.end(committed)).toBe(OK);
        }
        const end = committed ? 4 : 7;
        await topic.settledAt(end);
        const run = await readDrained(bench, topic);
        expect(textsOf(run.records)).toEqual(['record']);
        expect(run.position).toBe(end);
        // Also for who begins in the middle of it.
        expect((await readDrained(bench, topic, { from: 2 })).records).toEqual([]);
      },
    );

    it('stops at the first open transaction, and goes on when it ends', async () => {
      const topic = await bench.topic();
      const producer = await bench.producer();
      await topic.send(['before']);
      await producer.add(topic.at());
      await producer.send(topic, ['open']);
      await topic.send(['behind']);
      expect(await topic.texts()).toEqual(['before']);
      expect((await readDrained(bench, topic)).position).toBe(1);
      const beyond = await topic.fetch({ from: 1 });
      expect(beyond).toMatchObject({ errorCode: 0, lastStableOffset: 1n, highWatermark: 3n });
      expect(beyond.records?.length ?? 0).toBe(0);
      expect(await topic.texts('read_uncommitted')).toEqual(['before', 'open', 'behind']);
      expect(await producer.end(true)).toBe(OK);
      await topic.stable();
      expect(await topic.texts()).toEqual(['before', 'open', 'behind']);
    });
  });

  describe('long polls', () => {
    it('are answered when a record comes', async () => {
      const topic = await bench.topic();
      const poll = topic.fetch({ maxWaitMs: 20_000 });
      await bench.sleep(50);
      const sentAt = bench.platform.clock.monotonic();
      await topic.send(['wake']);
      expect((await poll).records?.length).toBeGreaterThan(0);
      expect(bench.platform.clock.monotonic() - sentAt).toBeLessThan(5_000);
    });

    it('of read_committed are answered when a transaction ends, not when its records come', async () => {
      const topic = await bench.topic();
      const producer = await bench.producer();
      await producer.add(topic.at());
      let answered = false;
      const poll = topic.fetch({ maxWaitMs: 20_000 }).finally(() => (answered = true));
      await producer.send(topic, ['open']);
      await bench.sleep(100);
      expect(answered).toBe(false);
      const endedAt = bench.platform.clock.monotonic();
      expect(await producer.end(true)).toBe(OK);
      expect((await poll).records?.length).toBeGreaterThan(0);
      expect(bench.platform.clock.monotonic() - endedAt).toBeLessThan(5_000);
    });

    it('end without records when their time is up, and hold nothing up meanwhile', async () => {
      const topic = await bench.topic();
      const startedAt = bench.platform.clock.monotonic();
      const poll = topic.fetch({ maxWaitMs: 500 });
      expect((await topic.fetch()).errorCode).toBe(0);
      expect((await topic.send(['x'], { partition: 0 })).error).toBe(OK);
      await poll;
      const empty = topic.fetch({ from: 1, maxWaitMs: 500 });
      expect((await empty).records?.length ?? 0).toBe(0);
      expect(bench.platform.clock.monotonic() - startedAt).toBeGreaterThanOrEqual(450);
    });

    it('wait for minBytes', async () => {
      const topic = await bench.topic();
      await topic.send(['few']);
      let answered = false;
      const poll = topic.fetch({ maxWaitMs: 20_000, minBytes: 5_000 }).finally(() => (answered = true));
      await bench.sleep(100);
      expect(answered).toBe(false);
      await topic.send(['m'.repeat(6_000)]);
      expect((await poll).records?.length).toBeGreaterThan(5_000);
    });
  });

  describe('answers', () => {
    it('begin with the whole batch that holds the offset, and may begin below it', async () => {
      const topic = await bench.topic();
      await topic.send(['0', '1', '2', '3']);
      const { records } = await topic.fetch({ from: 2 });
      const bases: number[] = [];
      forEachBatch(records!, ({ baseOffset }) => bases.push(baseOffset));
      expect(bases).toEqual([0]);
      expect(textsOf((await readDrained(bench, topic, { from: 2 })).records)).toEqual(['2', '3']);
    });

    it('bring the first batch whole, however small the limit (KIP-74)', async () => {
      const topic = await bench.topic();
      const large = 'l'.repeat(50_000);
      await topic.send([large]);
      await topic.send(['second']);
      const { records } = await topic.fetch({ maxBytes: 100 });
      expect(records!.length).toBeGreaterThan(50_000);
      const run = await readDrained(bench, topic, { maxPartitionBytes: 100 });
      expect(textsOf(run.records)).toEqual([large, 'second']);
    });

    it('keep to the limit beyond that', async () => {
      const topic = await bench.topic();
      for (let i = 0; i < 10; i++) await topic.send(['m'.repeat(10_000)]);
      const { records } = await topic.fetch({ maxBytes: 25_000 });
      expect(records!.length).toBeLessThanOrEqual(25_000);
      expect(records!.length).toBeGreaterThanOrEqual(10_000);
    });

    it('know the end by isolation, in Fetch as in ListOffsets', async () => {
      const topic = await bench.topic();
      const producer = await bench.producer();
      await topic.send(['a']);
      await producer.add(topic.at());
      await producer.send(topic, ['b']);
      expect(await topic.offset(LATEST, 'read_committed')).toBe(1);
      expect(await topic.offset(LATEST, 'read_uncommitted')).toBe(2);
      const { highWatermark, lastStableOffset, logStartOffset } = await topic.fetch();
      expect([logStartOffset, lastStableOffset, highWatermark]).toEqual([0n, 1n, 2n]);
      expect(await producer.end(false)).toBe(OK);
    });

    it('of several partitions are one answer', async () => {
      const topic = await bench.topic(2);
      const leader = await topic.leader(0);
      if ((await topic.leader(1)) !== leader) return;
      for (const partition of [0, 1]) await topic.send([`of ${partition}`], { partition });
      const answer = await bench.port.fetch(leader, {
        ...{ isolation: 'read_committed', maxWaitMs: 0, minBytes: 1, maxBytes: 1_000_000 },
        partitions: [0, 1].map((partition) => ({
          ...topic.at(partition),
          ...{ fetchOffset: 0n, currentLeaderEpoch: -1, maxBytes: 1_000 },
        })),
      });
      const filled = answer.partitions.filter(({ records }) => (records?.length ?? 0) > 0);
      expect(filled.map(({ partition }) => partition).sort()).toEqual([0, 1]);
    });
  });
}
