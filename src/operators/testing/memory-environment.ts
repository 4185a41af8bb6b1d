import type { Serde } from '../../serde/serde';
import { encodeStateKey } from '../../serde/ordered-key';
import type { KeyValueStore, StateKey, StoreSpec } from '../../state/store';
import type { KeyByNode, SinkNode, SourceNode } from '../../topology/graph';
import { assert } from '../../util/asserts';
import { ByteWriter } from '../../util/byte-writer';
import type { RecordContext, ShuffleWriter, SinkWriter, TaskEnvironment } from '../operator';

/** A record as it would go to Kafka. */
export interface WrittenRecord {
  readonly topic: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp: number;
}

function encode<T>(serde: Serde<T>, value: T | null | undefined): Buffer | null {
  if (value === null) return null;
  const out = new ByteWriter(32);
  serde.write(value as T, out);
  return out.toBuffer();
}

/** A store of live objects; strings are found without encoding them, as in the real object cache. */
export class MemoryStore implements KeyValueStore<unknown> {
  private readonly strings = new Map<string, unknown>();
  private readonly others = new Map<string, unknown>();

  get(key: StateKey): unknown {
    return typeof key === 'string' ? this.strings.get(key) : this.others.get(encoded(key));
  }

  set(key: StateKey, value: unknown): void {
    if (typeof key === 'string') this.strings.set(key, value);
    else this.others.set(encoded(key), value);
  }

  delete(key: StateKey): void {
    if (typeof key === 'string') this.strings.delete(key);
    else this.others.delete(encoded(key));
  }

  get size(): number {
    return this.strings.size + this.others.size;
  }
}

function encoded(key: StateKey): string {
  const out = new ByteWriter(32);
  encodeStateKey(key, out);
  return out.toBuffer().toString('hex');
}

/** A task's surroundings without a runtime: what operators write is in `sunk` and `shuffled`, in order. */
export class MemoryEnvironment implements TaskEnvironment {
  readonly stage: string;
  readonly partition: number;
  readonly stores = new Map<string, MemoryStore>();
  readonly sunk: WrittenRecord[] = [];
  readonly shuffled: WrittenRecord[] = [];
  private readonly partitions: Readonly<Record<string, number>>;

  /** @param partitions of source topics; 1 where nothing is said */
  constructor(stage: string, partition = 0, partitions: Readonly<Record<string, number>> = {}) {
    this.stage = stage;
    this.partition = partition;
    this.partitions = partitions;
  }

  store(spec: StoreSpec): KeyValueStore<unknown> {
    assert(!this.stores.has(spec.name), `the store '${spec.name}' is opened once`);
    const store = new MemoryStore();
    this.stores.set(spec.name, store);
    return store;
  }

  sink(node: SinkNode): SinkWriter {
    return {
      write: (key: unknown, value: unknown, { timestamp }: RecordContext): void => {
        const keyBytes = key === undefined ? null : encode(node.key, key);
        this.sunk.push({ topic: node.topic, key: keyBytes, value: encode(node.value, value), timestamp });
      },
    };
  }

  shuffle(node: KeyByNode): ShuffleWriter {
    return {
      write: (key: StateKey, value: unknown, { timestamp }: RecordContext): void => {
        const out = new ByteWriter(32);
        encodeStateKey(key, out);
        this.shuffled.push({
          topic: node.name,
          key: out.toBuffer(),
          value: encode(node.value, value),
          timestamp,
        });
      },
    };
  }

  sourcePartitions(node: SourceNode): number {
    return this.partitions[node.topic] ?? 1;
  }
}
