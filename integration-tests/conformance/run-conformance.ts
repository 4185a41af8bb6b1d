import type { Bench } from '../../src/kafka/testing/conformance/bench';
import { describeKafkaConformance } from '../../src/kafka/testing/conformance/suite';
import type { Dependence } from '../../src/kafka/testing/conformance/themes';
import { describeWithLocalKafka } from '../judge/local-kafka-missing';
import { labelOf, realCluster, transactionVersionOf } from './real-cluster';

const WHOLE = process.env['TIDEMARK_CONFORMANCE'] === 'whole';
const CASE_LIMIT_MS = 180_000;

/**
 * The suite on real brokers. `otherwise` is what `npm test` runs of it: all, only the themes that come out
 * differently by version or by number of brokers, or nothing; `npm run test:full -- --conformance` runs all of it
 * everywhere.
 */
export function runConformance(
  version: string,
  brokers: 1 | 3,
  otherwise: 'all' | 'nothing' | Dependence,
  more: (bench: Bench) => void = () => undefined,
): void {
  jest.setTimeout(CASE_LIMIT_MS);
  const title = `KafkaPort on ${labelOf(version, brokers)}`;
  if (!WHOLE && otherwise === 'nothing') {
    process.stderr.write(`Skipped: ${title} (npm run test:full -- --conformance runs it)\n`);
    describe.skip(title, () => it('holds', () => undefined));
    return;
  }
  const transactionVersion = transactionVersionOf(version);
  const only = WHOLE || otherwise === 'all' || otherwise === 'nothing' ? {} : { only: otherwise };
  describeWithLocalKafka([version])('conformance', () => {
    describeKafkaConformance(realCluster(version), { title, brokers, transactionVersion, more, ...only });
  });
}
