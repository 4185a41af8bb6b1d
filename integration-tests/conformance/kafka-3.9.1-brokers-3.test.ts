import { leaderLoss } from './leader-loss';
import { runConformance } from './run-conformance';

runConformance('3.9.1', 3, 'nothing', leaderLoss);
