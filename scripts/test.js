'use strict';

/** `npm test`: unit and integration tests, from a fresh clone. Further arguments go to Jest. */
require('./prepare.js');
const { spawnSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const jest = join(__dirname, '..', 'node_modules', 'jest', 'bin', 'jest.js');
const totals = { passed: 0, failed: 0, skipped: 0 };
const folder = mkdtempSync(join(tmpdir(), 'tidemark-test-'));

/** One Jest run; its results are added to the totals. */
function run(args) {
  const report = join(folder, 'report.json');
  const flags = ['--json', '--outputFile', report, ...args];
  const { status } = spawnSync(process.execPath, [jest, ...flags], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'));
    totals.passed += result.numPassedTests;
    totals.failed += result.numFailedTests + result.numRuntimeErrorTestSuites;
    totals.skipped += result.numPendingTests;
  } catch {
    totals.failed += 1;
  }
  if (status !== 0 && totals.failed === 0) totals.failed += 1;
}

const only = process.argv.slice(2);
if (only.length > 0) {
  run(only);
} else {
  run(['--selectProjects', 'unit', 'connectors', '--passWithNoTests']);
  // One broker-heavy suite at a time: they measure time, and two brokers on two cores disturb each other.
  run(['--selectProjects', 'integration', '--runInBand']);
}
rmSync(folder, { recursive: true, force: true });
process.stdout.write(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`);
process.exit(totals.failed === 0 ? 0 : 1);
