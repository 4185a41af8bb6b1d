'use strict';

const { spawnSync } = require('node:child_process');
const { join } = require('node:path');

const SHOWN = {
  'encode bytes, with CRC': 'Tidemark, encode',
  'kafkajs: encode bytes, with CRC': 'kafkajs, encode',
  'decode, CRC checked': 'Tidemark, decode',
  'kafkajs: decode': 'kafkajs, decode',
};

/** `benchmarks/codec.js` in a process of its own, and of it what has a limit or a counterpart in kafkajs. */
exports.codec = async () => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [join(__dirname, '..', 'codec.js'), '200000'],
    {
      encoding: 'utf8',
    },
  );
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ name }) => name in SHOWN);
  if (rows.length !== Object.keys(SHOWN).length)
    throw new Error(`the codec's benchmark failed:\n${stdout}\n${stderr}`);
  return {
    ok: status === 0,
    table: [
      'Records of 100 bytes, one thread, best of five rounds:',
      '',
      '| | thousand records/s | limit |',
      '| --- | --- | --- |',
      ...rows.map(({ name, limit, ok, ...rest }) => {
        const verdict = limit === undefined ? '' : `${limit / 1000}: ${ok ? 'held' : 'NOT HELD'}`;
        return `| ${SHOWN[name]} | ${(rest['records/s'] / 1000).toFixed(0)} | ${verdict} |`;
      }),
    ],
  };
};
