import type { TransactionVersion } from '../../port';
import { Bench } from './bench';
import type { ConformanceFactory } from './cluster';
import { THEMES, type Dependence } from './themes';

export interface ConformanceOptions {
  /** Default 1. */
  readonly brokers?: 1 | 3;
  /** What the cluster will offer; it is checked. Default 2. */
  readonly transactionVersion?: TransactionVersion;
  /** Only themes that depend on it. Default: all. */
  readonly only?: Dependence;
  readonly title?: string;
}

/**
 * All that the framework expects of a {@link KafkaPort}, whatever stands behind it: the same expectations for real
 * brokers and for a model of them. One cluster serves all cases; each has topics, groups and transactional ids of
 * its own. Jest's time-out must allow for what the cluster takes to start, and for a minute a case in its time.
 */
export function describeKafkaConformance(
  factory: ConformanceFactory,
  options: ConformanceOptions = {},
): void {
  const { brokers = 1, transactionVersion = 2, title = 'KafkaPort' } = options;
  describe(title, () => {
    const bench = new Bench(factory, brokers, transactionVersion);
    beforeAll(() => bench.open());
    afterAll(() => bench.close());

    it('is the cluster that was asked for', () => {
      expect(bench.cluster).toMatchObject({ brokers, transactionVersion });
    });

    for (const theme of THEMES) {
      if (options.only !== undefined && !theme.dependsOn.includes(options.only)) continue;
      describe(theme.name, () => theme.cases(bench));
    }
  });
}
