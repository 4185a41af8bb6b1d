import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const LOCK_PAUSE_MS = 100;
/** Longer than filling may take. */
const LOCK_LIMIT_MS = 12 * 60_000;
const UNREADABLE_LOCK_AGE_MS = 5_000;

/** `$XDG_CACHE_HOME/tidemark`, or `~/.cache/tidemark`. */
export function userCacheDir(env: NodeJS.ProcessEnv = process.env): string {
  const base = env['XDG_CACHE_HOME'];
  return join(base !== undefined && base !== '' ? base : join(homedir(), '.cache'), 'tidemark');
}

/**
 * The folder `target`, filled by `fill` if it does not exist. `fill` gets an empty folder beside it, which takes its place only
 * once it is complete; of several processes one fills and the others wait.
 * @throws what `fill` throws, and file system errors
 */
export async function cachedFolder(target: string, fill: (dir: string) => Promise<void>): Promise<string> {
  if (await exists(target)) return target;
  await mkdir(dirname(target), { recursive: true });
  const unlock = await lock(`${target}.lock`);
  try {
    if (!(await exists(target))) await fillAndRename(target, fill);
  } finally {
    await unlock();
  }
  return target;
}

async function fillAndRename(target: string, fill: (dir: string) => Promise<void>): Promise<void> {
  await removeDrafts(target);
  const draft = await mkdtemp(draftPrefix(target));
  try {
    await fill(draft);
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Somebody who took our lock for an abandoned one may have been faster; what he made is as good.
    if (!(await exists(target))) throw error;
  }
}

function draftPrefix(target: string): string {
  return `${target}.draft-`;
}

/** Deletes what a process left that was killed while it filled. */
async function removeDrafts(target: string): Promise<void> {
  const folder = dirname(target);
  const drafts = (await readdir(folder)).filter((name) => name.startsWith(basename(draftPrefix(target))));
  await Promise.all(drafts.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}

/** Takes the lock file, which holds the process id of its owner. One whose owner is gone, or that is too old, is taken over. */
async function lock(path: string): Promise<() => Promise<void>> {
  const deadline = performance.now() + LOCK_LIMIT_MS;
  for (;;) {
    if (await tryCreate(path)) return () => rm(path, { force: true });
    if ((await isAbandoned(path)) || performance.now() > deadline) await rm(path, { force: true });
    else await sleep(LOCK_PAUSE_MS);
  }
}

async function tryCreate(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(String(process.pid)).finally(() => file.close());
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  try {
    const owner = Number(await readFile(path, 'utf8'));
    if (owner > 0) return !processExists(owner);
    return Date.now() - (await stat(path)).mtimeMs > UNREADABLE_LOCK_AGE_MS;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Whether a process has this id, also one of another user. */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}
