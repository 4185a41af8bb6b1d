import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { TidemarkError } from '../errors';

/** An instance id that this process holds until {@link release}. */
export interface ClaimedInstanceId {
  readonly instanceId: string;
  release(): Promise<void>;
}

/** More processes of one application on one host are surely a mistake. */
const MAX_SLOTS = 256;

/**
 * Claims the instance id of a process (CONTRACT): the one that was asked for, else the host name plus the first free
 * slot on this host. It must survive a lost disk, so the lock lies outside the state folder, in the host's folder for
 * temporary files; it dies with the process, because it names the process and its start time.
 * @throws {TidemarkError} TM1012 when another live process of this host has the id
 */
export async function claimInstanceId(
  applicationId: string,
  wanted: string | null,
): Promise<ClaimedInstanceId> {
  const folder = join(tmpdir(), `tidemark-${String(process.getuid?.() ?? 'user')}`, applicationId);
  await mkdir(folder, { recursive: true });
  if (wanted !== null) {
    const release = await tryLock(folder, wanted);
    if (release !== null) return { instanceId: wanted, release };
    throw new TidemarkError(
      'TM1012',
      'usage',
      `instance id ${wanted} is used by another live process of this host`,
      {
        where: `application ${applicationId}`,
        hint: 'give each process its own --instance-id, or none: then the first free one is taken',
      },
    );
  }
  const host = hostname().replace(/[^a-zA-Z0-9._-]/g, '-');
  for (let slot = 0; slot < MAX_SLOTS; slot++) {
    const instanceId = `${host}-${slot}`;
    const release = await tryLock(folder, instanceId);
    if (release !== null) return { instanceId, release };
  }
  throw new TidemarkError('TM1012', 'usage', `all ${MAX_SLOTS} instance slots of this host are taken`, {
    where: `application ${applicationId}`,
    hint: 'name the instance with --instance-id',
  });
}

async function tryLock(folder: string, instanceId: string): Promise<(() => Promise<void>) | null> {
  const path = join(folder, `${instanceId}.lock`);
  const mine = JSON.stringify({ pid: process.pid, started: await startTime(process.pid) });
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, mine);
  try {
    // Twice: a lock whose process is gone is moved away, and then anybody may be first.
    for (let attempt = 0; attempt < 2; attempt++) {
      if (await linked(draft, path)) return () => unlockOwn(path, mine);
      const holder = await readFile(path, 'utf8').catch(() => null);
      if (holder === null) continue;
      if (await isAlive(holder)) return null;
      await moveAway(path, holder);
    }
    return null;
  } finally {
    await rm(draft, { force: true });
  }
}

/** A hard link either is made or is there already: the one atomic "create with content" that every file system has. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a dead lock; when somebody else was faster and it is a live one by now, puts it back. */
async function moveAway(path: string, seen: string): Promise<void> {
  const aside = `${path}.${process.pid}.dead`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await readFile(aside, 'utf8')) !== seen) await linked(aside, path);
  await rm(aside, { force: true });
}

async function unlockOwn(path: string, mine: string): Promise<void> {
  const holder = await readFile(path, 'utf8').catch(() => null);
  if (holder === mine) await rm(path, { force: true });
}

async function isAlive(holder: string): Promise<boolean> {
  try {
    const { pid, started } = JSON.parse(holder) as { pid: number; started: string | null };
    process.kill(pid, 0);
    const now = await startTime(pid);
    return now === null || started === null || now === started;
  } catch (error) {
    // EPERM: the process lives and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Ticks since boot at which a process began (field 22 of /proc/PID/stat): tells a reused pid. Null where unknown. */
async function startTime(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}
