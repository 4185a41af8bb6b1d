'use strict';

/**
 * Makes a checkout runnable: dependencies as locked, compiled sources. Says what it does, does nothing twice.
 * Plain JavaScript without dependencies, because it runs before there are any.
 */
const { execFileSync } = require('node:child_process');
const { existsSync, readdirSync, readFileSync, statSync, writeFileSync } = require('node:fs');
const { createHash } = require('node:crypto');
const { join } = require('node:path');

const root = join(__dirname, '..');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

function say(line) {
  process.stdout.write(`${line}\n`);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const supported = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24;
  if (supported) return;
  process.stderr.write(
    `Tidemark needs Node.js 20.19, 22.12 or 24 and later; this is ${process.versions.node}\n`,
  );
  process.exit(2);
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}

/** Has this step been done for exactly these files? */
function upToDate(stamp, hash) {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === hash;
}

function filesBelow(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}

function installDependencies() {
  const stamp = join(root, 'node_modules', '.tidemark-installed');
  const hash = hashOf([join(root, 'package.json'), join(root, 'package-lock.json')]);
  if (upToDate(stamp, hash)) return;
  say('installing dependencies');
  // Not `npm ci`: it refuses a lock file that lacks optional packages of other platforms, which some mirrors do not
  // carry. This one follows the lock file all the same and never rewrites it.
  const args = ['install', '--no-save', '--no-fund', '--no-audit', '--loglevel=error'];
  execFileSync(npm, args, { cwd: root, stdio: 'inherit' });
  writeFileSync(stamp, hash);
}

function compile() {
  const stamp = join(root, 'dist', '.tidemark-compiled');
  const sources = filesBelow(join(root, 'src')).filter((file) => !file.endsWith('.test.ts'));
  const hash = hashOf([join(root, 'tsconfig.json'), ...sources.sort()]);
  if (upToDate(stamp, hash)) return;
  say('compiling');
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], { cwd: root, stdio: 'inherit' });
  writeFileSync(stamp, hash);
}

checkNode();
installDependencies();
compile();
