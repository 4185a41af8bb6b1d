import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoreFacts } from '../../epoch/protocol/recovery-plan';
import { isTidemarkError, TidemarkError } from '../../errors';
import type { FaultInjector } from '../../util/fault-points';
import type { LocalStore, OpenedStore, StateBackend } from '../local-store';
import { LevelStore } from './level-store';
import { damagedTable } from './table-files';

/**
 * Opens LevelDB stores under `<root>/<stage>/<partition>`. A store that does not open, whose chain is broken
 * or whose table files are damaged is moved to `<partition>.aside` (one is kept, for a post-mortem) and replaced by an
 * empty one.
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
        // Before LevelDB is opened: its compaction would copy what is damaged and give it a valid checksum.
        const damage = await damagedTable(folder);
        const { store, facts } = await LevelStore.open(folder, fault);
        const verdict = judge(facts, used, damage);
        if (verdict.kind !== 'broken') return { store, facts: verdict };
        await store.close();
        return { store: null, facts: verdict };
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

function judge(facts: StoreFacts, used: boolean, damage: string | null): StoreFacts {
  if (damage !== null) return { kind: 'broken', reason: damage };
  // LevelDB drops what it cannot read of its log without a word, and if that is all of it.
  return facts.kind === 'absent' && used ? { kind: 'broken', reason: 'nothing is in it' } : facts;
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
