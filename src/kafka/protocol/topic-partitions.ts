import type { TopicPartition } from '../port';
import type { WireReader } from './wire-reader';
import type { WireWriter } from './wire-writer';

/** The items grouped by topic; topics in order of first appearance, items in their own order. */
function groupByTopic<T extends TopicPartition>(items: readonly T[]): [string, T[]][] {
  const topics = new Map<string, T[]>();
  for (const item of items) {
    const sameTopic = topics.get(item.topic);
    if (sameTopic === undefined) topics.set(item.topic, [item]);
    else sameTopic.push(item);
  }
  return [...topics];
}

/** Array of (topic, array of (partition index, what `writeRest` writes)): the form most requests have. */
export function writePartitions<T extends TopicPartition>(
  out: WireWriter,
  items: readonly T[],
  writeRest: (item: T) => void,
): void {
  out.array(groupByTopic(items), ([topic, partitions]) => {
    out.string(topic).array(partitions, (item) => {
      out.i32(item.partition);
      writeRest(item);
      out.end();
    });
    out.end();
  });
}

/** Array of (topic, array of partition indexes); null for "all". */
export function writePartitionIndexes(out: WireWriter, items: readonly TopicPartition[] | null): void {
  const groups = items === null ? null : groupByTopic(items);
  out.nullableArray(groups, ([topic, partitions]) => {
    out.string(topic).i32Array(partitions.map((item) => item.partition));
    out.end();
  });
}

/** Reads what {@link writePartitions} would write, flattened. */
export function readPartitions<T>(input: WireReader, readRest: (topic: string, partition: number) => T): T[] {
  const items: T[] = [];
  input.array(() => {
    const topic = input.string();
    input.array(() => {
      items.push(readRest(topic, input.i32()));
      input.end();
    });
    input.end();
  });
  return items;
}

/** Like {@link readPartitions} for partitions that carry nothing but an error code. */
export function readPartitionErrors(input: WireReader): (TopicPartition & { readonly errorCode: number })[] {
  return readPartitions(input, (topic, partition) => ({ topic, partition, errorCode: input.i16() }));
}
