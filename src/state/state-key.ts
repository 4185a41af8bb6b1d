import { encodeStateKey } from '../serde/ordered-key';
import { keyGroupOf } from '../topology/key-groups';
import { ByteWriter } from '../util/byte-writer';
import type { StateKey } from './store';

/** First byte of every state key in a changelog; commit records have 0 (`epoch/protocol/commit-record.ts`). */
export const STATE_KEY_PREFIX = 1;

/**
 * Layout of a state key, in the changelog and in the local store alike (DESIGN §5):
 *
 * ```
 * 0x01 | key group, u16 | length of the store's name, u8 | name, ASCII | user key | namespace, if any
 * ```
 * Key group first, so that a rescale moves contiguous ranges; the name itself and not a number, so that a changelog
 * can be read without any dictionary. User key and namespace are order-preserving and delimit themselves.
 */
export class StateKeyEncoder {
  private readonly name: Buffer;
  private readonly maxParallelism: number;
  private readonly userKey = new ByteWriter(64);

  constructor(storeName: string, maxParallelism: number) {
    this.name = Buffer.from(storeName, 'ascii');
    this.maxParallelism = maxParallelism;
  }

  write(key: StateKey, namespace: StateKey | undefined, out: ByteWriter): void {
    const scratch = this.userKey;
    scratch.reset();
    encodeStateKey(key, scratch);
    const group = keyGroupOf(scratch.buffer, 0, scratch.position, this.maxParallelism);
    out.u8(STATE_KEY_PREFIX);
    out.u16(group);
    out.u8(this.name.length);
    out.bytes(this.name);
    out.bytes(scratch.buffer, 0, scratch.position);
    if (namespace !== undefined) encodeStateKey(namespace, out);
  }

  /** A primitive under which the same key always meets itself in a Map, and no other key does. */
  mapKey(key: StateKey, namespace: StateKey | undefined): StateKey {
    if (namespace === undefined && typeof key !== 'object') {
      return typeof key === 'string' && key.charCodeAt(0) === 0 ? `\0s${key}` : key;
    }
    const scratch = this.userKey;
    scratch.reset();
    encodeStateKey(key, scratch);
    if (namespace !== undefined) encodeStateKey(namespace, scratch);
    return `\0t${scratch.buffer.toString('latin1', 0, scratch.position)}`;
  }
}
