import type { ResolvedConfig } from '../config/resolved-config';
import { TidemarkError } from '../errors';
import { formatsOf } from '../topology/formats';
import type { Topology } from '../topology/stage';
import type { IncarnationRecord } from './control-log';

/** What the sources are now. */
export interface SourceFacts {
  readonly sourcePartitions: ReadonlyMap<string, number>;
  readonly sourceIds: ReadonlyMap<string, string>;
}

/**
 * A stage that keeps state and groups several topics in place must find a key in the same partition of each of them: its task is
 * the owner of the key's state. @throws {TidemarkError} TM2004
 */
export function refuseUnequal(topology: Topology, sources: ReadonlyMap<string, number>): void {
  for (const { name, inputs, stores } of topology.stages) {
    const topics = inputs.flatMap((input) =>
      input.kind === 'source' && input.node.partitionedBy !== undefined ? [input.node.topic] : [],
    );
    const counts = topics.map((topic) => sources.get(topic) ?? 0);
    if (stores.length === 0 || new Set(counts).size <= 1) continue;
    const list = topics.map((topic, i) => `${topic} has ${counts[i]}`).join(', ');
    throw new TidemarkError(
      'TM2004',
      'usage',
      `the sources of stage ${name} differ in their partitions: ${list}`,
      {
        where: `stage ${name}`,
        hint: 'keys of one are not where those of the other are: give the topics equal partitions, or leave partitionedBy out and name the keyBy, so that it shuffles',
      },
    );
  }
}

/**
 * The state that stands must be this job's, made with these settings, from these very topics, in the form that this job
 * reads. @throws {TidemarkError} TM1006, TM4003, TM4006, TM4007
 */
export function refuseMisfit(
  standing: IncarnationRecord,
  config: ResolvedConfig,
  topology: Topology,
  sources: SourceFacts,
): void {
  refuseOtherJob(standing, config, topology);
  refuseOtherSources(standing, config, sources);
  refuseOtherSettings(standing, config);
  refuseOtherFormats(standing, config, topology);
}

function refuseOtherJob(standing: IncarnationRecord, config: ResolvedConfig, topology: Topology): void {
  if (standing.fingerprint === topology.fingerprint) return;
  const id = config.applicationId;
  const [theirs, ours] = [standing.stages.join(', '), topology.stages.map(({ name }) => name).join(', ')];
  throw new TidemarkError('TM1006', 'usage', `application id ${id} belongs to a different job`, {
    where: `its stages: ${theirs}; this job's: ${ours}`,
    hint: `give this job another --application-id, or throw the other's state away with \`tidemark reset ${id}\``,
  });
}

function refuseOtherSources(
  standing: IncarnationRecord,
  { applicationId: id }: ResolvedConfig,
  { sourcePartitions, sourceIds }: SourceFacts,
): void {
  for (const [topic, topicId] of sourceIds) {
    if (standing.sourceIds[topic] !== topicId) throw sourceAnew(topic, id, 'usage');
  }
  for (const [topic, partitions] of sourcePartitions) {
    const before = standing.sources[topic];
    if (before === partitions) continue;
    throw new TidemarkError(
      'TM4006',
      'usage',
      `source ${topic} had ${String(before)} partitions and now has ${partitions}`,
      {
        where: `topic ${topic}`,
        hint: `keys may have moved between partitions; start over with \`tidemark reset ${id}\``,
      },
    );
  }
}

function refuseOtherSettings(standing: IncarnationRecord, config: ResolvedConfig): void {
  const id = config.applicationId;
  const fixed: [string, number, number | null][] = [
    ['parallelism.default', standing.parallelism, config.parallelism],
    ['pipeline.max-parallelism', standing.maxParallelism, config.maxParallelism],
  ];
  for (const [option, was, is] of fixed) {
    if (is === null || is === was) continue;
    throw new TidemarkError(
      'TM4007',
      'usage',
      `the stored state was made with ${option} = ${was}, not ${is}`,
      {
        where: option,
        hint: `set ${option} back to ${was}, or start over with \`tidemark reset ${id}\``,
      },
    );
  }
}

/** The committed offsets belong to a log that is gone. */
export function sourceAnew(topic: string, applicationId: string, reaction: 'usage' | 'stop'): TidemarkError {
  return new TidemarkError('TM4003', reaction, `source ${topic} was deleted and created anew`, {
    where: `topic ${topic}`,
    hint: `the job's offsets belong to the topic that is gone; start over with \`tidemark reset ${applicationId}\``,
  });
}

function refuseOtherFormats(
  standing: IncarnationRecord,
  { applicationId }: ResolvedConfig,
  topology: Topology,
): void {
  for (const [what, is] of Object.entries(formatsOf(topology.stages))) {
    const was = standing.formats[what];
    if (was === is) continue;
    throw new TidemarkError(
      'TM4007',
      'usage',
      `${what} was written as ${String(was)}, this job reads it as ${is}`,
      {
        where: what,
        hint: `give it its kind and serde back, or start over with \`tidemark reset ${applicationId}\``,
      },
    );
  }
}
