import type { RecordHeader } from '../../serde/record-header';
import type { Stage } from '../../topology/stage';
import { must } from '../../util/asserts';
import { compileStage, type CompiledStage } from '../compile';
import type { RawRecord, RecordContext } from '../operator';
import { MemoryEnvironment } from './memory-environment';

/** A record for {@link MemoryTask.push}. Text stands for its UTF-8 bytes. */
export interface PushedRecord {
  readonly key?: string | Buffer | null;
  readonly value: string | Buffer | null;
  readonly timestamp?: number;
  readonly headers?: readonly RecordHeader[];
}

/** One task of a stage without a runtime: push records in, look at its environment. Offsets count up from 0. */
export class MemoryTask {
  readonly env: MemoryEnvironment;
  private readonly compiled: CompiledStage;
  private offset = 0;

  constructor(stage: Stage, partition = 0, partitions: Readonly<Record<string, number>> = {}) {
    this.env = new MemoryEnvironment(stage.name, partition, partitions);
    this.compiled = compileStage(stage, this.env);
  }

  /** @param input source topic, or `shuffle:` and the keyBy's name */
  push(input: string, record: PushedRecord): void {
    const handler = must(this.compiled.inputs.get(input), `input ${input}`);
    const { timestamp = 0, headers = [] } = record;
    const { partition } = this.env;
    const ctx: RecordContext = {
      key: 'stale',
      timestamp,
      topic: input,
      partition,
      offset: this.offset++,
      headers: () => headers,
    };
    handler.handle(framed(record.key ?? null, record.value), ctx);
  }

  /** What went to a sink topic, as `key=value` texts; a null is `~`. */
  output(topic: string): string[] {
    const text = (bytes: Buffer | null): string => (bytes === null ? '~' : bytes.toString());
    return this.env.sunk
      .filter((record) => record.topic === topic)
      .map(({ key, value }) => `${text(key)}=${text(value)}`);
  }
}

/** The record as a view of a larger buffer, with other bytes around it, as a fetch has it. */
function framed(key: string | Buffer | null, value: string | Buffer | null): RawRecord {
  const [keyBytes, valueBytes] = [Buffer.from(key ?? ''), Buffer.from(value ?? '')];
  const gap = Buffer.from('"#');
  const buffer = Buffer.concat([gap, keyBytes, gap, valueBytes, gap]);
  const keyEnd = gap.length + keyBytes.length;
  const valueStart = keyEnd + gap.length;
  return {
    buffer,
    keyStart: key === null ? -1 : gap.length,
    keyEnd: key === null ? -1 : keyEnd,
    valueStart: value === null ? -1 : valueStart,
    valueEnd: value === null ? -1 : valueStart + valueBytes.length,
  };
}
