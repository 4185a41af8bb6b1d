import { join } from 'node:path';
import type { ResolvedConfig } from '../config/resolved-config';
import { kafkaClientConfig } from '../config/kafka-client-config';
import type { Job } from '../dsl/job';
import { MetadataCache } from '../kafka/client/metadata-cache';
import { createKafkaPort } from '../kafka/transport/real-kafka-port';
import { heapBackend } from '../state/heap/heap-store';
import { levelBackend } from '../state/leveldb/level-backend';
import type { StateBackend } from '../state/local-store';
import { faultInjectorFromEnvironment, type FaultInjector } from '../util/fault-points';
import type { Logger } from '../util/logger';
import type { Platform } from '../util/ports';
import { whenBrokersAnswer } from './await-brokers';
import { bootstrap, type Bootstrapped } from './bootstrap';
import { Executor } from './executor';
import type { ExecutorContext } from './executor-context';

export interface OpenExecutorOptions {
  readonly job: Job;
  readonly config: ResolvedConfig;
  readonly platform: Platform;
  readonly logger: Logger;
  readonly instanceId: string;
  readonly index: number;
  readonly untilEnd: boolean;
}

/** An executor that is ready to run, and what must be closed behind it. */
export interface OpenedExecutor {
  readonly executor: Executor;
  close(): Promise<void>;
}

/** Connects to Kafka, checks and creates what the job needs, and puts an executor together. */
export async function openExecutor(options: OpenExecutorOptions): Promise<OpenedExecutor> {
  const { job, config, platform, logger, instanceId, index } = options;
  const port = createKafkaPort(kafkaClientConfig(config.kafka, platform), platform);
  const metadata = new MetadataCache(port, platform);
  const close = async (): Promise<void> => {
    metadata.close();
    await port.close();
  };
  try {
    const client = { port, metadata, platform };
    const prepare = (): Promise<Bootstrapped> => bootstrap(client, config, job.topology, logger);
    const { plan, topics } = await whenBrokersAnswer(prepare, config, platform, logger);
    const fault = faultInjectorFromEnvironment(process.env);
    const context: ExecutorContext = {
      ...client,
      config,
      topology: job.topology,
      plan,
      topics,
      backend: makeBackend(config, instanceId, fault),
      fault,
      logger,
      index,
      instanceId,
    };
    return { executor: new Executor(context, { untilEnd: options.untilEnd }), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Local stores are per instance: two instances on one host may share a state folder's root. */
function makeBackend(config: ResolvedConfig, instanceId: string, fault: FaultInjector): StateBackend {
  if (config.state.backend === 'heap') return heapBackend;
  return levelBackend(join(config.stateDir, config.applicationId, instanceId), fault);
}
