import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cachedFolder, userCacheDir } from './user-cache';

// Above the largest process id of any supported system.
const NO_PROCESS = 2 ** 30;

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'user-cache-test-'));
});

afterEach(() => rm(root, { recursive: true }));

describe('userCacheDir', () => {
  it('follows XDG_CACHE_HOME, and takes an empty one for none', () => {
    expect(userCacheDir({ XDG_CACHE_HOME: '/caches' })).toBe('/caches/tidemark');
    expect(userCacheDir({ XDG_CACHE_HOME: '' })).toMatch(/\.cache\/tidemark$/);
  });
});

describe('cachedFolder', () => {
  it('is filled once, also when several ask at the same time', async () => {
    const target = join(root, 'deep', '4.4.0');
    let fills = 0;
    const fill = async (dir: string): Promise<void> => {
      fills += 1;
      expect(existsSync(target)).toBe(false);
      await writeFile(join(dir, 'jar'), 'content');
    };
    await Promise.all([1, 2, 3].map(() => cachedFolder(target, fill)));
    await cachedFolder(target, fill);
    expect(fills).toBe(1);
    expect(await readFile(join(target, 'jar'), 'utf8')).toBe('content');
    expect(await readdir(join(root, 'deep'))).toEqual(['4.4.0']);
  });

  it('leaves nothing behind when filling fails, and can be filled then', async () => {
    const target = join(root, 'x');
    await expect(cachedFolder(target, () => Promise.reject(new Error('no network')))).rejects.toThrow(
      'no network',
    );
    expect(await readdir(root)).toEqual([]);
    await cachedFolder(target, (dir) => writeFile(join(dir, 'jar'), ''));
    expect(await readdir(target)).toEqual(['jar']);
  });

  it('takes over the lock of a process that is gone, and clears away its draft', async () => {
    await writeFile(join(root, 'x.lock'), String(NO_PROCESS));
    await mkdir(join(root, 'x.draft-abcdef'));
    await cachedFolder(join(root, 'x'), () => Promise.resolve());
    expect(await readdir(root)).toEqual(['x']);
  });

  it('waits for the lock of a living process', async () => {
    const lock = join(root, 'x.lock');
    await writeFile(lock, String(process.pid));
    let filled = false;
    const folder = cachedFolder(join(root, 'x'), async () => {
      filled = true;
      expect(await readFile(lock, 'utf8')).toBe(String(process.pid));
    });
    await readdir(root);
    expect(filled).toBe(false);
    await rm(lock);
    await folder;
    expect(filled).toBe(true);
  });
});
