import type { Marker, StoreFacts } from '../../epoch/protocol/recovery-plan';
import { TidemarkError } from '../../errors';
import { assert } from '../../util/asserts';
import type { FaultInjector } from '../../util/fault-points';
import type { EncodedChanges } from '../encoded-changes';
import type { LocalStore } from '../local-store';
import { encodeLink, judgeChain, linkKey, LINK_PREFIX } from './links';
import { RawLevel, type RawLevelBatch } from './raw-level';
import { openValue, ValueSealer } from './value-checksum';

/** 20,000 operations block the event loop for 85 ms, 2,000 for less than 10 (measured, DESIGN §5). */
const MAX_BATCH_OPERATIONS = 2000;
const WRITE_BUFFER_BYTES = 4 * 1024 * 1024;
/** LevelDB's log holds at most two write buffers; twice that is certainly in table files. */
const KEEP_LINKS_FOR_BYTES = 4 * WRITE_BUFFER_BYTES;
const LINK_BYTES = 250;

interface OpenChain {
  readonly newest: number;
  readonly oldest: number;
  readonly marker: Marker | null;
}
const EMPTY_CHAIN: OpenChain = { newest: 0, oldest: 1, marker: null };

/** A task's store in LevelDB. One process and one object per folder; LevelDB's own lock guards the former. */
export class LevelStore implements LocalStore {
  marker: Marker | null;
  private readonly db: RawLevel;
  private readonly where: string;
  private readonly fault: FaultInjector;
  private nextSeq: number;
  private oldestSeq: number;
  private lastMarkerSeq: number;
  /** Links not pruned yet: sequence number and bytes written before it. */
  private kept: { seq: number; bytesBefore: number }[] = [];
  private bytesWritten = 0;
  private writing: Promise<void> = Promise.resolve();
  private failure: TidemarkError | null = null;
  private readonly sealer = new ValueSealer();
  unreadable = false;

  private constructor(db: RawLevel, where: string, chain: OpenChain, fault: FaultInjector) {
    this.db = db;
    this.where = where;
    this.fault = fault;
    this.marker = chain.marker;
    this.nextSeq = chain.newest + 1;
    this.oldestSeq = chain.oldest;
    this.lastMarkerSeq = chain.newest;
    for (let seq = chain.oldest; seq <= chain.newest; seq++) this.kept.push({ seq, bytesBefore: 0 });
  }

  /** Opens or creates the store in `folder` and judges what it finds. Throws what LevelDB throws. */
  static async open(folder: string, fault: FaultInjector): Promise<{ store: LevelStore; facts: StoreFacts }> {
    const db: RawLevel = new RawLevel(folder, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      writeBufferSize: WRITE_BUFFER_BYTES,
    });
    await db.open();
    try {
      const verdict = await readChain(db);
      const chain = verdict.kind === 'intact' ? verdict : EMPTY_CHAIN;
      return { store: new LevelStore(db, folder, chain, fault), facts: toFacts(verdict) };
    } catch (error) {
      await db.close();
      throw error;
    }
  }

  get failed(): boolean {
    return this.failure !== null;
  }

  /** A table file that is damaged after it was opened is met by the read of a block, or by the value's checksum. */
  get(key: Buffer): Buffer | undefined {
    try {
      const stored = this.db.getSync(key);
      return stored === undefined ? undefined : openValue(key, stored);
    } catch (error) {
      this.unreadable = true;
      this.failure = new TidemarkError('TM4005', 'abort-epoch', 'the local store cannot be read', {
        where: this.where,
        hint: 'the task is rebuilt from its changelog; check the disk',
        cause: error,
      });
      throw this.failure;
    }
  }

  apply(changes: EncodedChanges, marker: Marker | null): Promise<void> {
    const done = this.writing.then(() => this.write(changes, marker));
    this.writing = done.catch(() => undefined);
    return done;
  }

  async close(): Promise<void> {
    await this.writing;
    await this.db.close();
  }

  private async write(changes: EncodedChanges, marker: Marker | null): Promise<void> {
    if (this.failure !== null) throw this.failure;
    try {
      for (let from = 0; ; from += MAX_BATCH_OPERATIONS) {
        const to = Math.min(changes.count, from + MAX_BATCH_OPERATIONS);
        const last = to === changes.count;
        await this.writeBatch(changes, from, to, last ? marker : null);
        if (last) return;
        this.fault('local.mid-write');
      }
    } catch (error) {
      // After a failed write LevelDB may refuse every later one: never go on from memory.
      this.failure = new TidemarkError('TM4005', 'abort-epoch', 'the local store cannot be written', {
        where: this.where,
        hint: 'free disk space or mend the volume; the task is rebuilt from its changelog',
        cause: error,
      });
      throw this.failure;
    }
  }

  private async writeBatch(
    changes: EncodedChanges,
    from: number,
    to: number,
    marker: Marker | null,
  ): Promise<void> {
    const batch = this.db.rawBatch();
    let bytes = LINK_BYTES;
    for (let i = from; i < to; i++) {
      const value = changes.value(i);
      const key = changes.key(i);
      bytes += key.length + (value === null ? 0 : value.length);
      if (value === null) batch.delete(key);
      else batch.put(key, this.sealer.seal(key, value));
    }
    this.prune(batch);
    const seq = this.nextSeq++;
    this.kept.push({ seq, bytesBefore: this.bytesWritten });
    this.bytesWritten += bytes;
    batch.put(linkKey(seq), encodeLink({ seq, oldest: this.oldestSeq, marker }));
    await batch.write(marker !== null);
    if (marker === null) return;
    this.lastMarkerSeq = seq;
    this.marker = marker;
  }

  /** Deletes links that certainly left LevelDB's log, never the newest marker's. */
  private prune(batch: RawLevelBatch): void {
    let count = 0;
    for (const link of this.kept) {
      if (link.seq >= this.lastMarkerSeq || this.bytesWritten - link.bytesBefore < KEEP_LINKS_FOR_BYTES)
        break;
      batch.delete(linkKey(link.seq));
      count++;
      if (count >= MAX_BATCH_OPERATIONS) break;
    }
    if (count === 0) return;
    this.kept.splice(0, count);
    this.oldestSeq = this.kept[0]?.seq ?? this.nextSeq;
    assert(this.oldestSeq <= this.lastMarkerSeq, 'the newest marker was pruned');
  }
}

async function readChain(db: RawLevel): Promise<ReturnType<typeof judgeChain>> {
  const links: { key: Buffer; value: Buffer }[] = [];
  const range = { gte: Buffer.from([LINK_PREFIX]), lt: Buffer.from([LINK_PREFIX + 1]) };
  for await (const [key, value] of db.iterator(range)) links.push({ key, value });
  const hasData = (await db.keys({ lt: Buffer.from([LINK_PREFIX]), limit: 1 }).all()).length > 0;
  return judgeChain(links, hasData);
}

function toFacts(verdict: ReturnType<typeof judgeChain>): StoreFacts {
  if (verdict.kind === 'empty') return { kind: 'absent' };
  if (verdict.kind === 'broken') return verdict;
  // Batches without a marker: the process died in its first epoch's write. Nothing is known to be complete.
  if (verdict.marker === null) return { kind: 'broken', reason: 'its first epoch is incomplete' };
  return { kind: 'intact', marker: verdict.marker };
}
