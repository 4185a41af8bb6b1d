import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** Against the working directory; `~/` is the home directory, which no shell has replaced in a file. */
export function absolutePath(path: string): string {
  if (path === '~') return homedir();
  if (path.startsWith('~/')) return join(homedir(), path.slice(2));
  return isAbsolute(path) ? path : resolve(path);
}

/** `$XDG_STATE_HOME/tidemark`, else `~/.local/state/tidemark` (XDG Base Directory Specification 0.8). */
export function defaultStateDir(env: NodeJS.ProcessEnv): string {
  const base = env['XDG_STATE_HOME'];
  if (base !== undefined && isAbsolute(base)) return join(base, 'tidemark');
  return join(env['HOME'] ?? homedir(), '.local', 'state', 'tidemark');
}

type StateOwner = { readonly stateDir: string; readonly applicationId: string };

/** Folder of everything that one application keeps on this host. */
export function applicationDir(owner: StateOwner): string {
  return join(owner.stateDir, owner.applicationId);
}

/** Folders in there that are not stores: what was saved on purpose. */
const SAVED = new Set(['checkpoints', 'savepoints']);

/** Folders of the local stores of one application on this host, one per instance; a cache, deleted by `tidemark reset`. */
export function localStoreFolders(owner: StateOwner): string[] {
  const home = applicationDir(owner);
  if (!existsSync(home)) return [];
  const names = readdirSync(home).filter((name) => !SAVED.has(name));
  return names.sort().map((name) => join(home, name));
}
