'use strict';

const { defineJob, json, string } = require('tidemark');

/** The workloads of the peers: w1 passthrough with the amount doubled, w2 running count by user. */
const { PEER_WORKLOAD: workload, PEER_IN: input, PEER_OUT: output } = process.env;

// The runner asks every process for a Java thread dump, which is a SIGQUIT.
process.on('SIGQUIT', () => undefined);

let seen = false;
/** The runner's clock starts when the first record reaches the job. */
function first() {
  if (seen) return;
  seen = true;
  process.stdout.write(`FIRST ${Date.now()}\n`);
}

const define = {
  w1: (env) =>
    env
      .source(input, { value: json() })
      .map((click) => {
        first();
        click.amount *= 2;
        return click;
      })
      .to(output, { key: string(), value: json() }),
  w2: (env) =>
    env
      .source(input, {
        value: json(),
        partitionedBy: (click) => {
          first();
          return click.user_id;
        },
      })
      .keyBy()
      .count({ name: 'counts' })
      .map((count, ctx) => ({ user_id: ctx.key, count, ts: ctx.timestamp }))
      .to(output, { key: string(), value: json() }),
};

exports.default = defineJob('peer', define[workload]);
