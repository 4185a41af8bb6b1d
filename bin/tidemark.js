#!/usr/bin/env node
'use strict';

const { setTimeout } = require('node:timers');
const { main } = require('../dist/cli/main.js');

/** A leftover timer or connection must not keep a process alive whose work is done. */
const LINGER_MS = 2000;

main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
  setTimeout(() => process.exit(code), LINGER_MS).unref();
});
