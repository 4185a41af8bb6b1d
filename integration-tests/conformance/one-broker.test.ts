import { describeKafkaConformance } from '../../src/kafka/testing/conformance/suite';
import { realCluster, transactionVersionOf } from './real-cluster';

jest.setTimeout(120_000);

const version = process.env['V'] ?? '4.4.0';
describeKafkaConformance(realCluster(version), {
  transactionVersion: transactionVersionOf(version),
  title: version,
});
