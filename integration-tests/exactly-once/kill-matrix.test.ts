import { obtainKafka, type KafkaHandle } from '../../src/provision';
import { createJudge, type Judge } from '../judge/judge';
import { describeWithLocalKafka } from '../judge/local-kafka-missing';
import { exactlyOnce, summaryOf } from './expectations';
import { killMatrixCase } from './kill-matrix';
import { FACTORS, VERSIONS } from './matrix';
import { pairwise } from './pairwise';

jest.setTimeout(300_000);

const SEED = 9;
const CLICKS = 200_000;
const USERS = 20_000;

/** Every two choices of version, backend, shuffle and executors meet in one of these; the full product is in the long tier. */
const COMBINATIONS = pairwise(FACTORS, SEED);

describeWithLocalKafka(VERSIONS)('a job killed at five random moments', () => {
  describe.each(VERSIONS)('on Kafka %s', (version) => {
    let kafka: KafkaHandle;
    let judge: Judge;

    beforeAll(async () => {
      kafka = await obtainKafka({ source: 'local', version });
      judge = await createJudge(kafka);
    });
    afterAll(() => kafka.stop());

    const here = COMBINATIONS.filter((combination) => combination.version === version);
    it.each(here)(
      'counts every click once: $backend, shuffle $shuffle, executors $executors',
      async (combination) => {
        const { backend, shuffle, executors } = combination;
        const setting = { kafka, judge, backend, shuffle, executors, mode: 'EXACTLY_ONCE' } as const;
        const seed = SEED + COMBINATIONS.indexOf(combination);
        const load = { clicks: CLICKS, users: USERS, seed, randomKills: 5, faultPoints: [] };
        const result = await killMatrixCase({ ...setting, ...load });
        expect(summaryOf(result)).toEqual(exactlyOnce(CLICKS));
      },
    );
  });
});
