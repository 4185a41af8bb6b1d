import { json } from '../serde/json';
import type { Serde } from '../serde/serde';
import { string } from '../serde/string';
import type { SourceNode } from '../topology/graph';
import { checkTopic } from '../topology/names';
import { checkBadInput, checkFunction, checkSerde, checkStartFrom } from './arguments';
import type { JobEnvironment, SourceOptions } from './env';
import type { JobBuilder } from './job-builder';
import { StreamBuilder } from './stream-builder';

type AnySourceOptions = SourceOptions<unknown, unknown> & {
  readonly partitionedBy?: SourceNode['partitionedBy'];
};

/** The environment that a job's definition is called with. */
export function jobEnvironment(job: JobBuilder): JobEnvironment {
  const source = (topic: string, options: AnySourceOptions = {}): StreamBuilder => {
    const call = `source('${checkTopic('source()', topic)}')`;
    const value = checkSerde(`${call}: value`, options.value ?? json());
    const key = checkSerde(`${call}: key`, options.key ?? (string() as Serde<unknown>));
    const startFrom = checkStartFrom(topic, options.startFrom);
    const badInput = checkBadInput(topic, options.badInput);
    const partitionedBy =
      options.partitionedBy === undefined
        ? undefined
        : checkFunction(`${call}: partitionedBy`, options.partitionedBy);
    const node = job.add(call, {
      kind: 'source',
      inputs: [],
      topic,
      value,
      key,
      startFrom,
      badInput,
      partitionedBy,
    });
    return new StreamBuilder(job, node, { grouping: 'none', value, key, partitionedBy });
  };
  // The builder is one class for all stream interfaces; which of them the caller sees is decided by the overloads.
  return Object.freeze({ source: source as unknown as JobEnvironment['source'] });
}
