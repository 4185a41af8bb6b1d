import { obtainKafka, type KafkaHandle } from '../../src/provision';
import { FAULT_POINTS, type FaultPoint } from '../../src/util/fault-points';
import { createJudge, type Judge } from '../judge/judge';
import { describeWithLocalKafka } from '../judge/local-kafka-missing';
import { atLeastOnce, exactlyOnce, summaryOf } from './expectations';
import { pointsOf, whyNever } from './fault-plan';
import { killMatrixCase } from './kill-matrix';
import { VERSIONS } from './matrix';

jest.setTimeout(300_000);

const CLICKS = 200_000;
const USERS = 20_000;

/** LevelDB, where every point is passed. The product with versions and backends is in the long tier. */
const CASES = [
  { shuffle: false, executors: 1, mode: 'EXACTLY_ONCE' },
  { shuffle: true, executors: 2, mode: 'EXACTLY_ONCE' },
] as const;
/** Where a process that counts at least once leaves something behind that comes again. */
const AT_LEAST_ONCE_POINTS: readonly FaultPoint[] = [
  'produce.all-acked',
  'txn.end-answered',
  'txn.offsets-committed',
];

describeWithLocalKafka(VERSIONS.slice(0, 1))('a job that dies at every fault point', () => {
  let kafka: KafkaHandle;
  let judge: Judge;

  beforeAll(async () => {
    kafka = await obtainKafka({ source: 'local', version: VERSIONS[0] });
    judge = await createJudge(kafka);
  });
  afterAll(() => kafka.stop());

  it.each(CASES)('counts exactly once: shuffle $shuffle, executors $executors', async (chosen) => {
    const setting = { ...chosen, backend: 'leveldb' } as const;
    const faultPoints = pointsOf(setting);
    const load = { clicks: CLICKS, users: USERS, seed: 5, randomKills: 0, faultPoints };
    const result = await killMatrixCase({ kafka, judge, ...setting, ...load });
    expect(new Set(result.deaths.map(({ at }) => at.split(':')[0]))).toEqual(new Set(faultPoints));
    expect(summaryOf(result)).toEqual(exactlyOnce(CLICKS));
  });

  it('counts nothing too low with AT_LEAST_ONCE', async () => {
    const setting = { backend: 'leveldb', shuffle: true, executors: 1, mode: 'AT_LEAST_ONCE' } as const;
    const load = { clicks: CLICKS, users: USERS, seed: 5, randomKills: 2, faultPoints: AT_LEAST_ONCE_POINTS };
    const result = await killMatrixCase({ kafka, judge, ...setting, ...load });
    expect(summaryOf(result)).toEqual(atLeastOnce(result, CLICKS));
  });

  it('leaves out only the points that the job never passes', () => {
    const left = FAULT_POINTS.flatMap((point) => {
      const why = whyNever(point, { backend: 'heap', mode: 'AT_LEAST_ONCE' });
      return why === null ? [] : [`${point}: ${why}`];
    });
    expect(left).toEqual([
      'txn.partitions-added: there are no transactions',
      'txn.end-sent: there are no transactions',
      'local.mid-write: the heap store takes an epoch in one step',
    ]);
    expect(pointsOf({ backend: 'leveldb', mode: 'EXACTLY_ONCE' }).sort()).toEqual([...FAULT_POINTS].sort());
  });
});
