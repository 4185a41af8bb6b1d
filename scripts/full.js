'use strict';

/**
 * `npm run test:full`: the long tier. Every combination of the kill matrix at full size; may be interrupted and goes on where
 * it was, as long as the sources are the same. Prints a table and writes docs/reports/full-<day>.md.
 */
require('./prepare.js');
const { mkdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { parseArgs } = require('node:util');
const { createJiti } = require('jiti');

const USAGE = `npm run test:full -- [--only TEXT] [--clicks N] [--users N]
  --only TEXT   only cases whose name contains TEXT, such as "3.9.1 heap" or EXACTLY_ONCE
  --clicks N    clicks of each case (1000000)
  --users N     users that click (100000)`;

const root = join(__dirname, '..');

function options() {
  const text = { type: 'string' };
  const { values } = parseArgs({
    options: { only: text, clicks: text, users: text, help: { type: 'boolean' } },
  });
  if (!values.help)
    return {
      only: values.only ?? '',
      clicks: Number(values.clicks ?? 1e6),
      users: Number(values.users ?? 1e5),
    };
  process.stdout.write(`${USAGE}\n`);
  return process.exit(0);
}

async function main() {
  const { only, clicks, users } = options();
  const reports = join(root, 'docs', 'reports');
  mkdirSync(reports, { recursive: true });
  const compiled = readFileSync(join(root, 'dist', '.tidemark-compiled'), 'utf8').trim();
  const tier = join(root, 'integration-tests', 'exactly-once', 'full-tier.ts');
  const { runFullTier } = await createJiti(join(root, 'scripts')).import(tier);
  const held = await runFullTier({
    clicks,
    users,
    only,
    // Results of smaller runs are results of something else.
    sources: `${compiled.slice(0, 16)}-${clicks}-${users}`,
    progressFile: join(root, '.tidemark', 'full-tier.json'),
    reportFile: (day) => join(reports, `full-${day}.md`),
    print: (line) => process.stdout.write(`${line}\n`),
  });
  process.exit(held ? 0 : 1);
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
