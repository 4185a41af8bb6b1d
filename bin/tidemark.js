#!/usr/bin/env node
'use strict';

const { setTimeout } = require('node:timers');

/** A stop that comes while modules are loaded finds nothing begun; once the job is watched, this one stands back. */
function stopBeforeStart(signal) {
  if (process.listenerCount(signal) === 1) process.exit(0);
}
if (process.argv[2] === 'run') {
  process.on('SIGTERM', stopBeforeStart);
  process.on('SIGINT', stopBeforeStart);
}

const { main } = require('../dist/cli/main.js');

/** A leftover timer or connection must not keep a process alive whose work is done. */
const LINGER_MS = 2000;

main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
  setTimeout(() => process.exit(code), LINGER_MS).unref();
});
