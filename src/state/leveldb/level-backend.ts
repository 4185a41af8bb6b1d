import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FaultInjector } from '../../util/fault-points';
import type { LocalStore, OpenedStore, StateBackend } from '../local-store';
import { LevelStore } from './level-store';

/**
 * Opens LevelDB stores under `<root>/<stage>/<partition>`. A store that does not open or whose chain is broken is
 * moved to `<partition>.aside` (one is kept, for a post-mortem) and replaced by an empty one.
 */
export function levelBackend(root: string, fault: FaultInjector): StateBackend {
  const folderOf = (task: { stage: string; partition: number }): string =>
    join(root, task.stage, String(task.partition));
  const openEmpty = async (folder: string): Promise<LevelStore> => {
    const aside = `${folder}.aside`;
    await rm(aside, { recursive: true, force: true });
    await rename(folder, aside).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await mkdir(folder, { recursive: true });
    return (await LevelStore.open(folder, fault)).store;
  };
  return {
    name: 'leveldb',
    async open(task): Promise<OpenedStore> {
      const folder = folderOf(task);
      await mkdir(folder, { recursive: true });
      try {
        const { store, facts } = await LevelStore.open(folder, fault);
        if (facts.kind !== 'broken') return { store, facts };
        await store.close();
        return { store: null, facts };
      } catch (error) {
        if (isLocked(error)) throw error;
        return { store: null, facts: { kind: 'broken', reason: `it does not open: ${rootMessage(error)}` } };
      }
    },
    replace: (task): Promise<LocalStore> => openEmpty(folderOf(task)),
  };
}

function rootMessage(error: unknown): string {
  const cause = (error as { cause?: unknown }).cause;
  return cause instanceof Error ? cause.message : error instanceof Error ? error.message : String(error);
}

/** Somebody holds the folder: not a broken store, and not ours to move. */
function isLocked(error: unknown): boolean {
  const cause = (error as { cause?: { code?: string } }).cause;
  return cause?.code === 'LEVEL_LOCKED';
}
