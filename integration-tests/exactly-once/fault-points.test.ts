import { obtainKafka, type KafkaHandle } from '../../src/provision';
import { FAULT_POINTS, type FaultPoint } from '../../src/util/fault-points';
import { createJudge, type Judge } from '../judge/judge';
import { describeWithLocalKafka } from '../judge/local-kafka-missing';
import { atLeastOnce, exactlyOnce, summaryOf } from './expectations';
import { pointsOf, whyNever, type FaultSetting } from './fault-plan';
import { killMatrixCase } from './kill-matrix';
import { TRANSACTION_VERSION, VERSIONS, type Version } from './matrix';

jest.setTimeout(300_000);

const CLICKS = 200_000;
const USERS = 20_000;

interface Case {
  readonly shuffle: boolean;
  readonly executors: 1 | 2;
}
/** LevelDB, where every point is passed; each transaction version. The full product is in the long tier. */
const CASES: Readonly<Record<Version, readonly Case[]>> = {
  '4.4.0': [
    { shuffle: false, executors: 1 },
    { shuffle: true, executors: 2 },
  ],
  '3.9.1': [{ shuffle: true, executors: 2 }],
};
/** Where a process that counts at least once leaves something behind that comes again. */
const AT_LEAST_ONCE_POINTS: readonly FaultPoint[] = [
  'produce.all-acked',
  'txn.end-answered',
  'txn.offsets-committed',
];

describeWithLocalKafka(VERSIONS)('a job that dies at every fault point', () => {
  describe.each(VERSIONS)('on Kafka %s', (version) => {
    const transactionVersion = TRANSACTION_VERSION[version];
    let kafka: KafkaHandle;
    let judge: Judge;

    beforeAll(async () => {
      kafka = await obtainKafka({ source: 'local', version });
      judge = await createJudge(kafka);
    });
    afterAll(() => kafka.stop());

    it.each(CASES[version])('counts exactly once: shuffle $shuffle, executors $executors', async (chosen) => {
      const setting = { ...chosen, backend: 'leveldb', mode: 'EXACTLY_ONCE' } as const;
      const faultPoints = pointsOf({ ...setting, transactionVersion });
      const load = { clicks: CLICKS, users: USERS, seed: 5, randomKills: 0, faultPoints };
      const result = await killMatrixCase({ kafka, judge, ...setting, ...load });
      expect(new Set(result.deaths.map(({ at }) => at.split(':')[0]))).toEqual(new Set(faultPoints));
      expect(summaryOf(result)).toEqual(exactlyOnce(CLICKS));
    });

    it('counts nothing too low with AT_LEAST_ONCE', async () => {
      const setting = { backend: 'leveldb', shuffle: true, executors: 1, mode: 'AT_LEAST_ONCE' } as const;
      const faultPoints = AT_LEAST_ONCE_POINTS;
      const load = { clicks: CLICKS, users: USERS, seed: 5, randomKills: 2, faultPoints };
      const result = await killMatrixCase({ kafka, judge, ...setting, ...load });
      expect(summaryOf(result)).toEqual(atLeastOnce(result, CLICKS));
    });
  });

  it('leaves out only the points that the job never passes', () => {
    const leftOut = (setting: FaultSetting): string[] =>
      FAULT_POINTS.flatMap((point) => {
        const why = whyNever(point, setting);
        return why === null ? [] : [`${point}: ${why}`];
      });
    expect(leftOut({ backend: 'heap', mode: 'AT_LEAST_ONCE', transactionVersion: 2 })).toEqual([
      'txn.partitions-added: there are no transactions',
      'txn.end-sent: there are no transactions',
      'local.mid-write: the heap store takes an epoch in one step',
    ]);
    const complete = { backend: 'leveldb', mode: 'EXACTLY_ONCE' } as const;
    expect(leftOut({ ...complete, transactionVersion: 2 })).toEqual([
      'txn.partitions-added: brokers add the partitions',
    ]);
    expect(pointsOf({ ...complete, transactionVersion: 1 }).sort()).toEqual([...FAULT_POINTS].sort());
  });
});
