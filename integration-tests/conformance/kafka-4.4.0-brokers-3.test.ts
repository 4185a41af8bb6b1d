import { leaderLoss } from './leader-loss';
import { runConformance } from './run-conformance';

runConformance('4.4.0', 3, 'brokers', leaderLoss);
