import { TidemarkError } from '../errors';
import type { Job } from '../dsl/job';
import { systemPlatform } from '../util/system';
import type { ExecutorHandle } from './executor-thread';
import { startExecutorThread } from './executor-thread';
import { Instance } from './instance';
import { claimInstanceId } from './instance-id';
import { epochsAtEnd } from './end-of-input';
import { openExecutor } from './open-executor';
import { snapshotOf } from './executor-snapshot';
import type { JobRun, RunJob, RunOptions } from './run-api';
import type { ResolvedConfig } from '../config/resolved-config';

/**
 * Runs a job in this process until it is stopped, until the end of its input, or until it fails for good.
 * One executor runs in the caller's thread; several run in worker threads, which load the job by its module path.
 * @throws {TidemarkError} `usage` for everything that is refused at start
 */
export const runJob: RunJob = async (
  job: Job,
  config: ResolvedConfig,
  options: RunOptions,
): Promise<JobRun> => {
  if (config.kafka.brokers.length === 0) {
    throw new TidemarkError('TM1005', 'usage', 'no Kafka brokers are given', {
      hint: 'use --brokers, TIDEMARK_KAFKA_BROKERS or kafka.brokers in the configuration file',
    });
  }
  const claimed = await claimInstanceId(config.applicationId, config.instanceId);
  try {
    const executors =
      config.executors === 1
        ? [await startInThread(job, config, claimed.instanceId, options)]
        : startThreads(config, claimed.instanceId, options);
    return new Instance({
      applicationId: config.applicationId,
      instanceId: claimed.instanceId,
      executors,
      untilEnd: options.untilEnd ?? false,
      scheduler: systemPlatform.scheduler,
      onEnd: () => claimed.release(),
    });
  } catch (error) {
    await claimed.release();
    throw error;
  }
};

async function startInThread(
  job: Job,
  config: ResolvedConfig,
  instanceId: string,
  options: RunOptions,
): Promise<ExecutorHandle> {
  const { logger, untilEnd = false } = options;
  const opened = await openExecutor({
    job,
    config,
    platform: systemPlatform,
    logger,
    instanceId,
    index: 0,
    untilEnd,
  });
  const finished = opened.executor.run().finally(() => opened.close());
  return {
    finished,
    snapshot: () => snapshotOf(opened.executor),
    epochsAtEnd: () => epochsAtEnd(opened.executor),
    stop: () => opened.executor.stop(),
  };
}

function startThreads(config: ResolvedConfig, instanceId: string, options: RunOptions): ExecutorHandle[] {
  const { modulePath, logger, untilEnd = false } = options;
  if (modulePath === undefined) {
    throw new TidemarkError(
      'TM1002',
      'usage',
      `executors is ${config.executors}, but the job was given as an object`,
      {
        where: 'executors',
        hint: 'worker threads load the job by its module path: pass modulePath, or use one executor',
      },
    );
  }
  return Array.from({ length: config.executors }, (_, index) =>
    startExecutorThread({ modulePath, config, instanceId, index, untilEnd }, logger),
  );
}
