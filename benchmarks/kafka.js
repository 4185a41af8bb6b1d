'use strict';

/**
 * `npm run bench:kafka -- [--only codec,produce,idle,commit] [--rounds 3] [--out FILE]`
 *
 * The Kafka layer by itself, beside kafkajs in the same run: prints tables, and exits with 1 when a limit is not held.
 * Read ratios of one run only: absolute figures are those of the machine and of what else it does.
 */
require('../scripts/prepare.js');
const { appendFileSync } = require('node:fs');
const { parseArgs } = require('node:util');
const { obtainKafka } = require('../dist/provision/index.js');
const { codec } = require('./kafka/codec.js');
const { commit } = require('./kafka/commit.js');
const { idle } = require('./kafka/idle.js');
const { produce } = require('./kafka/produce.js');

const BENCHMARKS = { codec, produce, idle, commit };
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(BENCHMARKS).join() },
    rounds: { type: 'string', default: '3' },
    out: { type: 'string' },
  },
});

async function main() {
  const names = values.only.split(',');
  const unknown = names.find((name) => !(name in BENCHMARKS));
  if (unknown !== undefined)
    throw new Error(`there is no benchmark ${unknown}; there are ${Object.keys(BENCHMARKS).join()}`);
  const kafka = await obtainKafka({ heapMiB: 1024, log: (line) => console.error(line) });
  try {
    for (const name of names) {
      const { ok, table } = await BENCHMARKS[name]({
        broker: kafka.brokers[0],
        rounds: Number(values.rounds),
      });
      const text = `## ${name}\n\n${table.join('\n')}\n\n`;
      process.stdout.write(text);
      if (values.out !== undefined) appendFileSync(values.out, text);
      if (!ok) process.exitCode = 1;
    }
  } finally {
    await kafka.stop();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
