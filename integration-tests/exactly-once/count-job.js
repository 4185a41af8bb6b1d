'use strict';

const { defineJob, json } = require('tidemark');

/** Running clicks by user, with and without a shuffle. Topics come from the environment. */
const { COUNT_INPUT: input, COUNT_OUTPUT: output, COUNT_SHUFFLE: shuffle } = process.env;

const byUser = (click) => click.userId;

function keyed(env) {
  if (shuffle === 'yes') return env.source(input, { value: json() }).keyBy(byUser, { name: 'by-user' });
  return env.source(input, { value: json(), partitionedBy: byUser }).keyBy();
}

exports.default = defineJob('count-clicks', (env) =>
  keyed(env).count({ name: 'counts' }).to(output, { value: json() }),
);
