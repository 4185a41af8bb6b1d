import { ClassicLevel } from 'classic-level';

/** What classic-level's chained batch implements behind abstract-level's checks, events and encodings. */
interface RawBatch {
  _put(key: Buffer, value: Buffer): void;
  _del(key: Buffer): void;
  _write(options: { readonly sync: boolean }): Promise<void>;
  close(): Promise<void>;
}

/**
 * LevelDB with binary keys and values, and batches that skip abstract-level's work on every operation: it copies each
 * into a fresh object, which took a quarter of a counting job's time (6.4 µs an operation; the native call 0.5 µs).
 * The underscored methods are the contract between abstract-level and its implementations; classic-level is pinned.
 */
export class RawLevel extends ClassicLevel<Buffer, Buffer> {
  /** An empty batch. It is written once. */
  rawBatch(): RawLevelBatch {
    return new RawLevelBatch((this as unknown as { _chainedBatch(): RawBatch })._chainedBatch());
  }
}

/** Operations that are written at once or not at all. Keys and values are copied as they are added. */
export class RawLevelBatch {
  private readonly batch: RawBatch;

  constructor(batch: RawBatch) {
    this.batch = batch;
  }

  put(key: Buffer, value: Buffer): void {
    this.batch._put(key, value);
  }

  delete(key: Buffer): void {
    this.batch._del(key);
  }

  /** @param sync wait until the operating system has written it through */
  async write(sync: boolean): Promise<void> {
    try {
      await this.batch._write({ sync });
    } finally {
      await this.batch.close();
    }
  }
}
