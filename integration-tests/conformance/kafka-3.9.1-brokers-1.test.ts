import { runConformance } from './run-conformance';

runConformance('3.9.1', 1, 'version');
