'use strict';

const { execFile } = require('node:child_process');
const { join } = require('node:path');
const { promisify } = require('node:util');

const CONNECTIONS = 100;
const SECONDS = 30;
const LIMIT_PERCENT = 2;
const CHILD = join(__dirname, 'idle-child.js');

/** The CPU that 100 idle connections to one broker cost, kafkajs' beside ours at the same time. */
exports.idle = async ({ broker }) => {
  const run = async (client) => {
    const args = [CHILD, client, broker, String(CONNECTIONS), String(SECONDS)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return JSON.parse(stdout).corePercent;
  };
  const [ours, kafkajs, nothing] = await Promise.all(['tidemark', 'kafkajs', 'nothing'].map(run));
  const row = (name, percent, verdict = '') => `| ${name} | ${percent.toFixed(2)} | ${verdict} |`;
  const ok = ours < LIMIT_PERCENT;
  return {
    ok,
    table: [
      `${CONNECTIONS} idle connections over ${SECONDS} s, each process by itself:`,
      '',
      '| client | % of a core | limit |',
      '| --- | --- | --- |',
      row('Tidemark', ours, `under ${LIMIT_PERCENT}: ${ok ? 'held' : 'NOT HELD'}`),
      row('kafkajs', kafkajs),
      row('no connections', nothing),
    ],
  };
};
