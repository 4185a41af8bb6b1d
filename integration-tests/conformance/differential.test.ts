import fc from 'fast-check';
import type { TransactionVersion } from '../../src/kafka/port';
import { Bench } from '../../src/kafka/testing/conformance/bench';
import { describeWithLocalKafka } from '../judge/local-kafka-missing';
import { firstDifference } from './differential/compare';
import { program } from './differential/program';
import { openRealCluster } from './real-cluster';

jest.setTimeout(900_000);

/** Programs for each pair of versions. */
const RUNS = process.env['TIDEMARK_CONFORMANCE'] === 'whole' ? 150 : 12;
const SEED = Number(process.env['TIDEMARK_SEED'] ?? 4);
/** Shrinking takes a minute or more; a difference is small enough to read without it. */
const SHRINK = process.env['TIDEMARK_SHRINK'] === 'yes';

describeWithLocalKafka(['4.4.0', '3.9.1'])('SimKafka and real brokers', () => {
  describe.each<[version: string, offered: TransactionVersion, spoken: readonly TransactionVersion[]]>([
    ['4.4.0', 2, [2, 1]],
    ['3.9.1', 1, [1]],
  ])('of Apache Kafka %s', (version, offered, spokenOnes) => {
    const real = new Bench(() => openRealCluster(version, 1), 1, offered);
    beforeAll(() => real.open());
    afterAll(() => real.close());

    test.each(spokenOnes)('show the same to random programs, transaction version %i', async (spoken) => {
      await fc.assert(
        fc.asyncProperty(program, async (steps) => {
          expect(await firstDifference(steps, real, { offered, spoken })).toBeNull();
        }),
        { numRuns: RUNS, seed: SEED, endOnFailure: !SHRINK },
      );
    });
  });
});
