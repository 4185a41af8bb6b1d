import { resolveConfig } from '../../config';
import { defineJob } from '../../dsl/job';
import { MetadataCache } from '../../kafka/client/metadata-cache';
import { FakeKafkaPort } from '../../kafka/client/testing/fake-port';
import { VirtualPlatform } from '../../kafka/client/testing/virtual-platform';
import { json } from '../../serde';
import { heapBackend } from '../../state/heap/heap-store';
import type { FaultInjector } from '../../util/fault-points';
import { silentLogger } from '../../util/logger';
import type { ExecutorContext } from '../executor-context';
import { planJob } from '../job-plan';
import { TopicFacts } from '../topic-facts';

export const SOURCE = 'clicks';
export const SINK = 'out';
export const SHUFFLE = 'app-by-user-shuffle';
/** The stage behind the shuffle: it keeps the counts. */
export const COUNTING = 'by-user';
export const COUNTING_CHANGELOG = 'app-by-user-changelog';

const { topology } = defineJob('app', (env) =>
  env
    .source(SOURCE, { value: json<{ user: string }>() })
    .keyBy((click) => click.user, { name: COUNTING })
    .count({ name: 'counts' })
    .to(SINK, { value: json() }),
);

export interface RuntimeOptions {
  readonly partitions?: number;
  readonly fault?: FaultInjector;
}

/** What an executor of a job with a shuffle runs on: topics in memory, virtual time, state on the heap. */
export function setUpRuntime({ partitions = 1, fault = () => undefined }: RuntimeOptions = {}) {
  const platform = new VirtualPlatform();
  const kafka = new FakeKafkaPort(platform);
  const config = resolveConfig({
    jobName: 'app',
    env: { HOME: '/nowhere' },
    set: ['state.backend.type=heap', 'kafka.brokers=fake:9092'],
  });
  const { maxParallelism } = config;
  const sourcePartitions = new Map([[SOURCE, partitions]]);
  const plan = planJob(topology, {
    prefix: 'app',
    incarnation: 1,
    parallelism: null,
    maxParallelism,
    sourcePartitions,
  });
  const names = [SOURCE, SINK, ...plan.shuffles.values(), ...plan.stages.map(({ changelog }) => changelog)];
  for (const name of names) kafka.topic(name, partitions);
  const facts = names.map((topic) => ({
    topic,
    topicId: `id-${topic}`,
    partitions,
    maxMessageBytes: 1_000_000,
    timestampBounds: null,
    deleteRetentionMs: 24 * 3600 * 1000,
  }));
  const context: ExecutorContext = {
    port: kafka.port,
    metadata: new MetadataCache(kafka.port, platform),
    platform,
    config,
    topology,
    plan,
    topics: new TopicFacts('fake', facts),
    backend: heapBackend,
    fault,
    logger: silentLogger,
    index: 0,
    instanceId: 'i',
  };
  /** One partition of a topic. */
  const log = (topic: string, partition = 0) => kafka.topics.get(topic)![partition]!;
  return { platform, kafka, context, log };
}
