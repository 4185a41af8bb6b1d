'use strict';

/**
 * `npm run bench -- [--peers tidemark,ks,flink] [--workloads w2,lat] [--rounds 1] [--out FILE]`
 *
 * Runs the workloads of the peers' runner (PEERS: its folder, by default ../shared/peers beside the checkout) with
 * Tidemark and its peers on one broker, in turn, and prints a table with ratios against Kafka Streams of the same
 * round. Figures of different rounds or machines are not to be compared.
 */
require('../scripts/prepare.js');
const { spawnSync } = require('node:child_process');
const { appendFileSync, mkdirSync, writeFileSync } = require('node:fs');
const { homedir, tmpdir } = require('node:os');
const { join, resolve } = require('node:path');
const { parseArgs } = require('node:util');
const { obtainKafka } = require('../dist/provision/index.js');

const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: 'tidemark,ks,flink' },
    workloads: { type: 'string', default: 'w2,lat' },
    rounds: { type: 'string', default: '1' },
    out: { type: 'string' },
  },
});
const root = resolve(__dirname, '..');
const runner = process.env.PEERS ?? resolve(root, '..', 'shared', 'peers');

/** What each workload is judged by: the figure, and whether more of it is better. */
const FIGURES = {
  w1: ['krec_s', true],
  w2: ['krec_s', true],
  lat: ['p50_ms', false],
  'rec-keep': ['first_new_commit_s', false],
  'rec-wipe': ['first_new_commit_s', false],
};

function run(file, args, env) {
  const child = spawnSync(file, args, {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (child.status !== 0)
    throw new Error(`${file} ${args.join(' ')} failed:\n${child.stdout}\n${child.stderr}`);
  return child.stdout;
}

function measure(peer, workload, env) {
  const lines = run(join(runner, 'run.sh'), [peer, workload], env).trim().split('\n');
  return JSON.parse(lines[lines.length - 1]);
}

function row(result, reference) {
  const [figure, higher] = FIGURES[result.workload] ?? ['krec_s', true];
  const ratio =
    reference === undefined
      ? ''
      : (higher ? result[figure] / reference[figure] : reference[figure] / result[figure]).toFixed(2);
  const cells = [
    result.workload,
    result.peer,
    result.krec_s,
    result.p50_ms,
    result.p99_ms,
    result.first_new_commit_s,
    ratio,
  ];
  cells.push(result.app_cpu_s, result.others_cpu_s, result.peak_rss_mb, result.ok ?? '');
  return `| ${cells.map((cell) => cell ?? '').join(' | ')} |`;
}

async function main() {
  const kafka = await obtainKafka({ heapMiB: 1024, log: (line) => console.error(line) });
  const home = process.env.BENCH_HOME ?? join(homedir(), '.cache', 'tidemark-peers');
  mkdirSync(home, { recursive: true });
  const pidFile = join(tmpdir(), `tidemark-bench-${process.pid}.pid`);
  if (kafka.nodes[0]?.pid !== undefined) writeFileSync(pidFile, String(kafka.nodes[0].pid));
  const env = {
    BENCH_HOME: home,
    BROKER: kafka.brokers[0],
    PEERS: runner,
    PEER_APP: join(root, 'benchmarks', 'peer-app.sh'),
    ...(kafka.nodes[0]?.pid === undefined ? {} : { BROKER_PID: pidFile }),
  };
  try {
    run(join(runner, 'setup.sh'), [], env);
    const table = [
      '| workload | peer | thousand records/s | p50 ms | p99 ms | first new commit s | better than ks by | app CPU s | others CPU s | peak RSS MB | exact |',
    ];
    table.push(`|${' --- |'.repeat(11)}`);
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const workload of values.workloads.split(',')) {
        const results = values.peers.split(',').map((peer) => {
          const result = measure(peer, workload, env);
          console.error(JSON.stringify(result));
          return result;
        });
        const reference = results.find(({ peer }) => peer === 'ks');
        table.push(...results.map((result) => row(result, reference)));
      }
    }
    console.log(table.join('\n'));
    if (values.out !== undefined) appendFileSync(values.out, `${table.join('\n')}\n`);
  } finally {
    await kafka.stop();
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
