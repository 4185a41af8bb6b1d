import fc from 'fast-check';
import { Bench } from '../../src/kafka/testing/conformance/bench';
import { createJudge, type Judge } from '../judge/judge';
import { describeWithLocalKafka } from '../judge/local-kafka-missing';
import { add, compareWithJava, noNastiness, type PlayedTopic } from './generated/compare';
import { Player } from './generated/player';
import { programs } from './generated/program';
import { openRealCluster, transactionVersionOf } from './real-cluster';

const VERSIONS = ['4.4.0', '3.9.1'];
const LONG = process.env['TIDEMARK_CONFORMANCE'] === 'whole';
/** `TIDEMARK_SEED=n` runs that one alone. */
const SEEDS = seedsFrom(process.env['TIDEMARK_SEED']);
const TOPICS_PER_SEED = 20;
const PLAYED_AT_ONCE = 4;

jest.setTimeout(300_000);

/** V8 of the design: what our reader returns equals what Kafka's own client returns, on every topic. */
describeWithLocalKafka(VERSIONS)('generated topics', () => {
  describe.each(VERSIONS)('on Kafka %s', (version) => {
    let bench: Bench;
    let judge: Judge;
    const seen = noNastiness();

    beforeAll(async () => {
      bench = new Bench(
        async () => {
          const cluster = await openRealCluster(version, 1);
          judge = await createJudge(cluster.kafka);
          return cluster;
        },
        1,
        transactionVersionOf(version),
      );
      await bench.open();
    });

    afterAll(() => bench.close());

    it.each(SEEDS)('are read as the Java client reads them, seed %i', async (seed) => {
      const drawn = fc.sample(programs, { seed, numRuns: TOPICS_PER_SEED });
      const played: PlayedTopic[] = [];
      const waiting = [...drawn.entries()];
      const lane = async (): Promise<void> => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          const [index, program] = next;
          // With brokers that offer both, both.
          const transactionVersion = index % 2 === 0 ? 1 : bench.transactionVersion;
          played.push({ program, topic: await Player.play(bench, program, transactionVersion) });
        }
      };
      await Promise.all(Array.from({ length: PLAYED_AT_ONCE }, lane));
      add(seen, await compareWithJava(bench, judge, played));
    });

    if (process.env['TIDEMARK_SEED'] !== undefined) return;
    it('were nasty: a generator of harmless topics would prove nothing', () => {
      expect([...seen.codecs].sort()).toEqual(['gzip', 'lz4', 'none', 'snappy', 'zstd']);
      expect(seen.records).toBeGreaterThan(500 * SEEDS.length);
      const { aborted, emptyBatches, controlBatches, holes, movedStarts, openEnds } = seen;
      expect(Math.min(aborted, emptyBatches, controlBatches, holes, movedStarts, openEnds)).toBeGreaterThan(
        0,
      );
    });
  });
});

function seedsFrom(chosen: string | undefined): number[] {
  if (chosen !== undefined) return [Number(chosen)];
  return Array.from({ length: LONG ? 25 : 1 }, (_, i) => i + 1);
}
