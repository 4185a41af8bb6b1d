import type { ResolvedConfig } from '../config/resolved-config';
import { TidemarkError } from '../errors';
import type { ClientContext } from '../kafka/client/client-context';
import { endOffsets } from '../kafka/client/offsets';
import { describeTopics, ensureTopics } from '../kafka/client/topic-admin';
import type { NewTopic, TopicMetadata } from '../kafka/port';
import { controlTopic } from '../topology/internal-topics';
import type { Topology } from '../topology/stage';
import type { Logger } from '../util/logger';
import { checkApiVersions, checkBrokers } from './broker-check';
import { ControlLog, type IncarnationRecord } from './control-log';
import { planJob, type JobPlan } from './job-plan';
import { readTopicFacts } from './read-topic-facts';
import type { TopicFacts } from './topic-facts';

export interface Bootstrapped {
  readonly plan: JobPlan;
  readonly topics: TopicFacts;
}

export const DELETE_RETENTION_MS = 24 * 3600 * 1000;
const FOREVER = '9223372036854775807';

/**
 * What happens once per process before anything is read: the job's topics exist and fit, the brokers are what the
 * guarantee needs, internal topics are there, and the application id belongs to this job. Safe to do in several
 * instances at once. @throws {TidemarkError} TM1006, TM2003, TM2004, TM2005, TM2009, TM4002, TM4006, TM4007 with reaction `usage`
 */
export async function bootstrap(
  client: ClientContext,
  config: ResolvedConfig,
  topology: Topology,
  logger: Logger,
): Promise<Bootstrapped> {
  await checkApiVersions(client);
  const outside = await externalTopics(client, config, topology);
  await checkBrokers(client, config, logger);
  const { prefix } = config.kafka.internalTopics;
  const control = new ControlLog(client, controlTopic(prefix));
  const sourcePartitions = new Map(
    sourceTopics(topology).map((topic) => [topic, partitionsOf(outside, topic)]),
  );
  let standing = await control.incarnation();
  refuseUnequal(topology, sourcePartitions);
  if (standing !== null) refuseMisfit(standing, config, topology, sourcePartitions);
  const plan = planJob(topology, {
    prefix,
    incarnation: standing?.incarnation ?? 1,
    parallelism: standing?.parallelism ?? config.parallelism,
    maxParallelism: standing?.maxParallelism ?? config.maxParallelism,
    sourcePartitions,
  });
  const internal = internalTopics(plan, config);
  if (standing === null && (await holdRecords(client, internal))) {
    // Another instance may have begun the incarnation since we looked.
    standing = await control.incarnation();
    if (standing === null) throw headless(config, internal);
  }
  if (standing === null) await ensureTopics(client.port, client.platform, internal);
  const ids = await topicIds(client, config.applicationId, internal, standing);
  if (standing === null) {
    const { replicationFactor } = config.kafka.internalTopics;
    await control.ensure(replicationFactor ?? -1, minInsync(config));
    await control.writeIncarnation(incarnationRecord(plan, topology, ids));
    logger.info('internal topics created', { topics: internal.map(({ topic }) => topic) });
  }
  const names = [...outside.keys(), ...internal.map(({ topic }) => topic)];
  return { plan, topics: await readTopicFacts(client, names) };
}

function sourceTopics(topology: Topology): string[] {
  return topology.stages.flatMap(({ inputs }) =>
    inputs.flatMap((input) => (input.kind === 'source' ? [input.node.topic] : [])),
  );
}

/** Every topic that the job did not make itself: sources, sinks, dead letters. */
async function externalTopics(
  { port }: ClientContext,
  config: ResolvedConfig,
  topology: Topology,
): Promise<ReadonlyMap<string, TopicMetadata>> {
  const uses = new Map<string, string>();
  for (const { inputs, sinks } of topology.stages) {
    for (const input of inputs) {
      if (input.kind !== 'source') continue;
      uses.set(input.node.topic, 'source');
      if (input.node.badInput?.kind === 'dead-letter')
        uses.set(input.node.badInput.topic, 'dead-letter topic');
    }
    for (const sink of sinks) uses.set(sink.topic, 'sink');
  }
  if (config.badInput.kind === 'dead-letter') uses.set(config.badInput.topic, 'dead-letter topic');
  const found = await describeTopics(port, [...uses.keys()]);
  for (const [topic, use] of uses) {
    if (found.get(topic) != null) continue;
    throw new TidemarkError('TM2003', 'usage', `${use} ${topic} does not exist`, {
      where: `topic ${topic}`,
      hint: 'create the topic, or correct its name in the job',
    });
  }
  return found as ReadonlyMap<string, TopicMetadata>;
}

function partitionsOf(topics: ReadonlyMap<string, TopicMetadata>, topic: string): number {
  return topics.get(topic)?.partitions.length ?? 0;
}

/**
 * A stage that keeps state and groups several topics in place must find a key in the same partition of each of them: its task is
 * the owner of the key's state. @throws {TidemarkError} TM2004
 */
function refuseUnequal(topology: Topology, sources: ReadonlyMap<string, number>): void {
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

function refuseMisfit(
  standing: IncarnationRecord,
  config: ResolvedConfig,
  topology: Topology,
  sources: ReadonlyMap<string, number>,
): void {
  const id = config.applicationId;
  if (standing.fingerprint !== topology.fingerprint) {
    const [theirs, ours] = [standing.stages.join(', '), topology.stages.map(({ name }) => name).join(', ')];
    throw new TidemarkError('TM1006', 'usage', `application id ${id} belongs to a different job`, {
      where: `its stages: ${theirs}; this job's: ${ours}`,
      hint: `give this job another --application-id, or throw the other's state away with \`tidemark reset ${id}\``,
    });
  }
  for (const [topic, partitions] of sources) {
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

function internalTopics(plan: JobPlan, config: ResolvedConfig): NewTopic[] {
  const { replicationFactor } = config.kafka.internalTopics;
  const common = { replicationFactor: replicationFactor ?? -1 };
  const changelogs = plan.stages.map(({ changelog, partitions }) => ({
    ...common,
    topic: changelog,
    partitions,
    configs: {
      ...minInsync(config),
      'cleanup.policy': 'compact',
      'delete.retention.ms': String(DELETE_RETENTION_MS),
      'message.timestamp.type': 'LogAppendTime',
    },
  }));
  const shuffles = [...plan.shuffles.values()].map((topic) => ({
    ...common,
    topic,
    partitions: plan.parallelism,
    configs: {
      ...minInsync(config),
      'cleanup.policy': 'delete',
      // Event time must not let the broker delete or refuse what is unread (PROTOCOL D8).
      'retention.ms': '-1',
      'retention.bytes': '-1',
      'message.timestamp.before.max.ms': FOREVER,
      'message.timestamp.after.max.ms': FOREVER,
    },
  }));
  return [...changelogs, ...shuffles];
}

function minInsync(config: ResolvedConfig): Record<string, string> {
  const { minInsyncReplicas } = config.kafka.internalTopics;
  return minInsyncReplicas === null ? {} : { 'min.insync.replicas': String(minInsyncReplicas) };
}

/** Was anything ever written to one of these topics? */
async function holdRecords(client: ClientContext, internal: readonly NewTopic[]): Promise<boolean> {
  const found = await describeTopics(
    client.port,
    internal.map(({ topic }) => topic),
  );
  const partitions = [...found].flatMap(([topic, metadata]) =>
    (metadata?.partitions ?? []).map(({ partition }) => ({ topic, partition })),
  );
  const ends = await endOffsets(client, partitions, 'read_uncommitted');
  return [...ends.values()].some((end) => end > 0);
}

/** Without the record nobody knows whose state it is: it is neither used nor overwritten. */
function headless({ applicationId, kafka }: ResolvedConfig, internal: readonly NewTopic[]): TidemarkError {
  const control = controlTopic(kafka.internalTopics.prefix);
  const names = internal.map(({ topic }) => topic).join(', ');
  return new TidemarkError(
    'TM4002',
    'usage',
    `the control topic has no record of the job, but there is state in ${names}`,
    {
      where: `topic ${control}`,
      hint: `it was deleted; start over with \`tidemark reset ${applicationId}\`, which says what that means`,
    },
  );
}

/** @throws TM4002 when a topic that holds the job's state is gone or was created anew */
async function topicIds(
  { port }: ClientContext,
  applicationId: string,
  internal: readonly NewTopic[],
  standing: IncarnationRecord | null,
): Promise<Record<string, string>> {
  const found = await describeTopics(
    port,
    internal.map(({ topic }) => topic),
  );
  const ids: Record<string, string> = {};
  for (const { topic } of internal) {
    const now = found.get(topic)?.topicId;
    const before = standing === null ? now : standing.topics[topic];
    if (now === undefined || now !== before) {
      throw new TidemarkError(
        'TM4002',
        'usage',
        `internal topic ${topic} ${now === undefined ? 'is gone' : 'was created anew'}`,
        {
          where: `topic ${topic}`,
          hint: `it held state of the job; start over with \`tidemark reset ${applicationId}\`, which says what that means`,
        },
      );
    }
    ids[topic] = now;
  }
  return ids;
}

function incarnationRecord(
  plan: JobPlan,
  topology: Topology,
  topics: Record<string, string>,
): IncarnationRecord {
  return {
    v: 1,
    incarnation: plan.incarnation,
    fingerprint: topology.fingerprint,
    stages: topology.stages.map(({ name }) => name),
    parallelism: plan.parallelism,
    maxParallelism: plan.maxParallelism,
    sources: Object.fromEntries(plan.sources),
    topics,
  };
}
