import { runConformance } from './run-conformance';

runConformance('4.4.0', 1, 'all');
