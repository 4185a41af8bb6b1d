import { simCluster } from '../testing/conformance/sim-cluster';
import { describeKafkaConformance } from '../testing/conformance/suite';

const runs = [
  { brokers: 1, transactionVersion: 1 },
  { brokers: 1, transactionVersion: 2, only: 'version' },
  { brokers: 3, transactionVersion: 1, only: 'brokers' },
  { brokers: 3, transactionVersion: 2 },
] as const;

for (const run of runs) {
  const { brokers, transactionVersion } = run;
  describeKafkaConformance(simCluster(transactionVersion), {
    ...run,
    title: `SimKafka, ${brokers} broker(s), transaction version ${transactionVersion}`,
  });
}
