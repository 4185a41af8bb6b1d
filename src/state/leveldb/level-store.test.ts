import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noFaults, type FaultInjector } from '../../util/fault-points';
import type { OpenedStore } from '../local-store';
import { levelBackend } from './level-backend';
import type { RawLevel } from './raw-level';
import type { LevelStore } from './level-store';
import {
  applyEpochs,
  contents,
  encoded,
  fold,
  markerOf,
  randomEpochs,
  seeded,
  storeKey,
  valueOf,
  type Change,
} from './testing/folded-epochs';

const TASK = { stage: 's', partition: 0 };
let root: string;
let images = 0;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tidemark-level-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const live = () => join(root, 'live', TASK.stage, String(TASK.partition));

/** What a crash at this moment leaves on disk, as the folder of a task. */
function crashImage(): string {
  const image = join(root, `image-${images++}`);
  cpSync(live(), join(image, TASK.stage, String(TASK.partition)), { recursive: true });
  return image;
}

async function openLive(fault: FaultInjector = noFaults): Promise<LevelStore> {
  const { store } = await levelBackend(join(root, 'live'), fault).open(TASK);
  return store as LevelStore;
}

/** Opens an image, hands the outcome on and closes it. */
async function inspect<T>(image: string, look: (opened: OpenedStore) => Promise<T> | T): Promise<T> {
  const opened = await levelBackend(image, noFaults).open(TASK);
  try {
    return await look(opened);
  } finally {
    await opened.store?.close();
    rmSync(image, { recursive: true, force: true });
  }
}

describe('A6: an epoch is in the local store whole with its marker, or its marker is not there', () => {
  const epochs = randomEpochs(1, 3, 7000);

  it('a crash after any chunk of a large batch leaves the old marker, and the replay heals it', async () => {
    const mid: string[] = [];
    const store = await openLive((point) => {
      if (point === 'local.mid-write' && store.marker?.taskEpoch === 2) mid.push(crashImage());
    });
    await applyEpochs(store, epochs);
    await store.close();
    expect(mid).toHaveLength(3);
    for (const image of mid) {
      await inspect(image, async ({ store: found, facts }) => {
        expect(facts).toEqual({ kind: 'intact', marker: markerOf(2) });
        await applyEpochs(found as LevelStore, epochs, 2);
        expect(contents(found as LevelStore, epochs)).toEqual(fold(epochs));
      });
    }
  });

  it('a crash after the clean end leaves the new marker and everything below it', async () => {
    const store = await openLive();
    await applyEpochs(store, epochs);
    await inspect(crashImage(), ({ store: found, facts }) => {
      expect(facts).toEqual({ kind: 'intact', marker: markerOf(3) });
      expect(contents(found as LevelStore, epochs)).toEqual(fold(epochs));
    });
    await store.close();
  });

  it('is never ahead of what was applied (I1): a crash in the first epoch is no store at all', async () => {
    const mid: string[] = [];
    const store = await openLive((point) => void (point === 'local.mid-write' && mid.push(crashImage())));
    await applyEpochs(store, epochs.slice(0, 1));
    await store.close();
    for (const image of mid) {
      await inspect(image, ({ facts }) => expect(facts).toMatchObject({ kind: 'broken' }));
    }
  });

  it('writes in the order of the calls, one at a time, and close waits for them', async () => {
    const store = await openLive();
    const applying = epochs.map((changes, i) => store.apply(encoded(changes), markerOf(i + 1)));
    await store.close();
    await Promise.all(applying);
    await inspect(crashImage(), ({ store: found }) =>
      expect(contents(found as LevelStore, epochs)).toEqual(fold(epochs)),
    );
  });

  it('waits for the disk with the batch that has the marker: what was applied survives a loss of power', async () => {
    // A copy of the folder shows what a crash of the process leaves; only the call shows what one of the machine does.
    const store = await openLive();
    const { db } = store as unknown as { db: RawLevel };
    const written: { marker: number | undefined; sync: boolean }[] = [];
    const native = db as unknown as {
      _chainedBatch(): { _write(options: { sync: boolean }): Promise<void> };
    };
    const make = native._chainedBatch.bind(native);
    jest.spyOn(native, '_chainedBatch').mockImplementation(() => {
      const batch = make();
      const write = batch._write.bind(batch);
      batch._write = async (options) => {
        await write(options);
        written.push({ marker: store.marker?.taskEpoch, sync: options.sync });
      };
      return batch;
    });
    await applyEpochs(store, epochs.slice(0, 2));
    await store.close();
    // Four pieces each: until the last is written the marker is that of the epoch before.
    expect(written.map(({ marker }) => marker)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      1,
      1,
      1,
      1,
    ]);
    expect([written[3]!.sync, written[7]!.sync]).toEqual([true, true]);
  });

  it('goes on from no memory after a write that failed', async () => {
    const store = await openLive();
    await applyEpochs(store, epochs.slice(0, 1));
    const { db } = store as unknown as { db: RawLevel };
    jest.spyOn(db, 'rawBatch').mockImplementationOnce(() => {
      throw new Error('ENOSPC');
    });
    await expect(store.apply(encoded(epochs[1]!), markerOf(2))).rejects.toMatchObject({ code: 'TM4005' });
    await expect(store.apply(encoded(epochs[2]!), markerOf(3))).rejects.toMatchObject({ code: 'TM4005' });
    await store.close();
    await inspect(crashImage(), ({ facts }) =>
      expect(facts).toEqual({ kind: 'intact', marker: markerOf(1) }),
    );
  });
});

/** Damages LevelDB's log, or a table file, as a bad disk or a power cut does. */
function damage(
  image: string,
  random: () => number,
  how: 'flipped byte' | 'zeroed pages' | 'cut off',
  ending: '.log' | '.ldb' = '.log',
): void {
  const folder = join(image, TASK.stage, String(TASK.partition));
  const log = readdirSync(folder).find((name) => name.endsWith(ending))!;
  const bytes = readFileSync(join(folder, log));
  const at = Math.floor(random() * bytes.length);
  if (how === 'flipped byte') bytes[at] = bytes[at]! ^ (1 << Math.floor(random() * 8));
  const page = at - (at % 4096);
  if (how === 'zeroed pages')
    bytes.fill(0, page, Math.min(bytes.length, page + 4096 * (1 + Math.floor(random() * 4))));
  writeFileSync(join(folder, log), how === 'cut off' ? bytes.subarray(0, at) : bytes);
}

describe('C1: a damaged log is either noticed or costs a replay; no epoch is missed in silence', () => {
  const EPOCHS = 40;
  const SEEDS = 60;

  /** What became of the store: `broken`, `older` (a replay heals it) or `whole`. */
  async function verdict(image: string, epochs: readonly (readonly Change[])[]): Promise<string> {
    return inspect(image, async ({ store, facts }) => {
      if (facts.kind === 'broken' || store === null) return 'broken';
      const applied = facts.kind === 'intact' ? facts.marker.taskEpoch : 0;
      expect(contents(store as LevelStore, epochs)).toEqual(fold(epochs.slice(0, applied)));
      await applyEpochs(store as LevelStore, epochs, applied);
      expect(contents(store as LevelStore, epochs)).toEqual(fold(epochs));
      return applied === epochs.length ? 'whole' : 'older';
    });
  }

  it.each(['flipped byte', 'zeroed pages', 'cut off'] as const)(
    '%s',
    async (how) => {
      const epochs = randomEpochs(7, EPOCHS, 60);
      const store = await openLive();
      await applyEpochs(store, epochs);
      await store.close();
      const seen = new Map<string, number>();
      const seeds = how === 'cut off' ? SEEDS / 3 : SEEDS;
      for (let seed = 0; seed < seeds; seed++) {
        const image = crashImage();
        damage(image, seeded(seed), how);
        const outcome = await verdict(image, epochs);
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
      }
      // The damage must have been real, else this shows nothing.
      expect((seen.get('broken') ?? 0) + (seen.get('older') ?? 0)).toBeGreaterThan(seeds / 2);
      if (how !== 'cut off') expect(seen.get('broken')).toBeGreaterThan(0);
    },
    60_000,
  );

  it.each(['flipped byte', 'zeroed pages'] as const)(
    'table file, %s: noticed when it is opened, or it was a byte that nothing reads',
    async (how) => {
      const epochs = randomEpochs(7, EPOCHS, 60);
      await writeTable(epochs);
      let broken = 0;
      for (let seed = 0; seed < SEEDS; seed++) {
        const image = crashImage();
        damage(image, seeded(seed), how, '.ldb');
        if ((await verdict(image, epochs)) === 'broken') broken++;
      }
      expect(broken).toBeGreaterThan(SEEDS * 0.9);
    },
    60_000,
  );

  it('a value that is damaged after the store was opened: TM4005 at the read, never a wrong value', async () => {
    const epochs = randomEpochs(7, 1, 60);
    const store = await openLive();
    await applyEpochs(store, epochs);
    const [key] = [...fold(epochs).keys()];
    // Flipped in the file, LevelDB would end the process at one of its assertions, or give the value as it is.
    const { db } = store as unknown as { db: RawLevel };
    const stored = (await db.get(storeKey(key!)))!;
    stored[stored.length - 1]! ^= 1;
    await db.put(storeKey(key!), stored);
    expect(() => valueOf(store, key!)).toThrow(
      expect.objectContaining({ code: 'TM4005', reaction: 'abort-epoch' }),
    );
    expect([store.failed, store.unreadable]).toEqual([true, true]);
    await store.close();
  });

  /** Leaves a store whose data is in a table file: opening moves there what is in the log. */
  async function writeTable(epochs: readonly (readonly Change[])[]): Promise<void> {
    const store = await openLive();
    await applyEpochs(store, epochs);
    await store.close();
    await (await openLive()).close();
  }

  it('keeps the chain short, and complete over what LevelDB may still have in its log', async () => {
    const store = await openLive();
    const value = 'x'.repeat(64 * 1024);
    const epochs = Array.from({ length: 400 }, (_, i): Change[] => [[`k${i}`, value]]);
    await applyEpochs(store, epochs);
    await store.close();
    await inspect(crashImage(), ({ store: found, facts }) => {
      expect(facts).toEqual({ kind: 'intact', marker: markerOf(400) });
      const { kept } = found as unknown as { kept: readonly unknown[] };
      expect(kept.length).toBeGreaterThan((8 * 1024 * 1024) / (64 * 1024));
      expect(kept.length).toBeLessThan(300);
    });
  }, 60_000);
});
