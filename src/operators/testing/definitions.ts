import type { JobEnvironment } from '../../dsl/env';
import { defineJob } from '../../dsl/job';
import type { Stream } from '../../dsl/stream';
import { isTidemarkError, type TidemarkError } from '../../errors';
import { json } from '../../serde/json';
import { encodeStateKey } from '../../serde/ordered-key';
import type { StateKey } from '../../state/store';
import type { Stage } from '../../topology/stage';
import { must } from '../../util/asserts';
import { ByteWriter } from '../../util/byte-writer';
import { MemoryTask } from './memory-task';

export function stageOf(define: (env: JobEnvironment) => unknown, name: string): Stage {
  const { stages } = defineJob('test', define).topology;
  return must(
    stages.find((stage) => stage.name === name),
    `stage ${name}`,
  );
}

/** A task of the stage that reads the topic `in`. */
export const taskOf = (define: (env: JobEnvironment) => unknown): MemoryTask =>
  new MemoryTask(stageOf(define, 'in'));

/** The topic `in` as JSON numbers. */
export const numbers = (env: JobEnvironment): Stream<number> => env.source('in', { value: json<number>() });

/** Pushes the values into `in`, as JSON under the key `k`. */
export const pushAll = (task: MemoryTask, ...values: readonly unknown[]): void =>
  values.forEach((value) => task.push('in', { key: 'k', value: JSON.stringify(value) }));

/** The error that the action throws, which must be one of Tidemark's. */
export function failure(action: () => unknown): TidemarkError {
  try {
    action();
  } catch (error) {
    if (isTidemarkError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

export function keyBytes(key: StateKey): Buffer {
  const out = new ByteWriter();
  encodeStateKey(key, out);
  return out.toBuffer();
}
