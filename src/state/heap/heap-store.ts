import type { Marker } from '../../epoch/protocol/recovery-plan';
import type { EncodedChanges } from '../encoded-changes';
import type { LocalStore, OpenedStore, StateBackend } from '../local-store';

/**
 * State on the JavaScript heap: fast, gone with the process, rebuilt from the changelog. Values are copies, so that
 * they do not pin an epoch's arena.
 */
export class HeapStore implements LocalStore {
  marker: Marker | null = null;
  readonly failed = false;
  readonly unreadable = false;
  private readonly values = new Map<string, Buffer>();

  get(key: Buffer): Buffer | undefined {
    return this.values.get(key.toString('latin1'));
  }

  apply(changes: EncodedChanges, marker: Marker | null): Promise<void> {
    for (let i = 0; i < changes.count; i++) {
      const key = changes.bytes.toString('latin1', changes.keyStart(i), changes.keyEnd(i));
      const value = changes.value(i);
      if (value === null) this.values.delete(key);
      else this.values.set(key, Buffer.from(value));
    }
    if (marker !== null) this.marker = marker;
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.values.clear();
    return Promise.resolve();
  }
}

export const heapBackend: StateBackend = {
  name: 'heap',
  open: (): Promise<OpenedStore> => Promise.resolve({ store: new HeapStore(), facts: { kind: 'absent' } }),
  replace: (): Promise<LocalStore> => Promise.resolve(new HeapStore()),
};
