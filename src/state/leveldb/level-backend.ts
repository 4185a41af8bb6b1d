import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isTidemarkError, TidemarkError } from '../../errors';
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
      try {
        await mkdir(folder, { recursive: true });
      } catch (error) {
        throw unusable(folder, error);
      }
      try {
        const used = (await readdir(folder)).length > 0;
        const { store, facts } = await LevelStore.open(folder, fault);
        if (facts.kind === 'intact' || (facts.kind === 'absent' && !used)) return { store, facts };
        await store.close();
        // LevelDB drops what it cannot read of its log without a word, and if that is all of it.
        return {
          store: null,
          facts: facts.kind === 'broken' ? facts : { kind: 'broken', reason: 'nothing is in it' },
        };
      } catch (error) {
        if (isLocked(error)) throw unusable(folder, error, 'another process holds it: stop that one');
        return { store: null, facts: { kind: 'broken', reason: `it does not open: ${rootMessage(error)}` } };
      }
    },
    replace: (task): Promise<LocalStore> => {
      const folder = folderOf(task);
      return openEmpty(folder).catch((error: unknown) => {
        throw isTidemarkError(error) ? error : unusable(folder, error);
      });
    },
  };
}

/** Neither kept nor replaced: the disk is full or read-only, or the path is not a folder. Trying again may help. */
function unusable(
  folder: string,
  cause: unknown,
  hint = 'free disk space, mend the volume or its rights, or choose another --state-dir; nothing is lost',
): TidemarkError {
  return new TidemarkError(
    'TM4005',
    'abort-epoch',
    `the local store cannot be opened: ${rootMessage(cause)}`,
    {
      where: folder,
      hint,
      cause,
    },
  );
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
