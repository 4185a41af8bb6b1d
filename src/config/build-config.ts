import { join } from 'node:path';
import { TidemarkError } from '../errors';
import type { BadInputPolicy } from '../topology/graph';
import { must } from '../util/asserts';
import { usesTls } from './contradictions';
import { fileLocation } from './location';
import type { OptionValues } from './options';
import { applicationDir, defaultStateDir } from './paths';
import type {
  CheckpointingConfig,
  KafkaConfig,
  ResolvedConfig,
  RestartConfig,
  SaslConfig,
  SslConfig,
} from './resolved-config';

/** Parsed and consistent values → the frozen object that the runtime takes; defaults that hang on others are filled in. */
export function buildConfig(
  values: OptionValues,
  env: NodeJS.ProcessEnv,
  notices: readonly string[],
): ResolvedConfig {
  const applicationId = requireApplicationId(values);
  const stateDir = values['state-dir'] ?? defaultStateDir(env);
  return deepFreeze({
    applicationId,
    instanceId: values['instance-id'],
    executors: values.executors,
    stateDir,
    transactionalIdPrefix: values['sink.transactional-id-prefix'] ?? applicationId,
    maxPollIntervalMs: values['execution.max-poll-interval'],
    epoch: {
      intervalMs: values['execution.epoch.interval'],
      minIntervalMs: values['execution.epoch.min-interval'],
      maxDirtyBytes: values['execution.epoch.max-dirty-bytes'],
      maxOutputBytes: values['execution.epoch.max-output-bytes'],
    },
    checkpointing: checkpointing(values, applicationDir({ stateDir, applicationId })),
    state: { backend: values['state.backend.type'], cacheMaxEntries: values['state.cache.max-entries'] },
    kafka: kafka(values, applicationId),
    badInput: badInput(values),
    restart: restart(values),
    parallelism: values['parallelism.default'],
    maxParallelism: values['pipeline.max-parallelism'],
    log: { level: values['log.level'] },
    notices: [...notices],
  });
}

function requireApplicationId(values: OptionValues): string {
  const id = values['application-id'];
  if (id !== null) return id;
  throw new TidemarkError('TM1001', 'usage', 'option application-id is missing', {
    hint: 'give the job a name, or pass --application-id',
  });
}

function checkpointing(v: OptionValues, home: string): CheckpointingConfig {
  return {
    intervalMs: v['execution.checkpointing.interval'],
    mode: v['execution.checkpointing.mode'],
    timeoutMs: v['execution.checkpointing.timeout'],
    minPauseMs: v['execution.checkpointing.min-pause'],
    maxConcurrent: v['execution.checkpointing.max-concurrent-checkpoints'],
    tolerableFailed: v['execution.checkpointing.tolerable-failed-checkpoints'],
    numRetained: v['execution.checkpointing.num-retained'],
    retention: v['execution.checkpointing.externalized-checkpoint-retention'],
    dir: v['execution.checkpointing.dir'] ?? fileLocation(join(home, 'checkpoints')),
    savepointDir: v['execution.checkpointing.savepoint-dir'] ?? fileLocation(join(home, 'savepoints')),
    incremental: v['execution.checkpointing.incremental'],
  };
}

function kafka(v: OptionValues, applicationId: string): KafkaConfig {
  return {
    brokers: v['kafka.brokers'],
    clientId: v['kafka.client-id'] ?? applicationId,
    ssl: ssl(v),
    sasl: sasl(v),
    connectTimeoutMs: v['kafka.connect-timeout'],
    requestTimeoutMs: v['kafka.request-timeout'],
    sessionTimeoutMs: v['kafka.session-timeout'],
    heartbeatIntervalMs: v['kafka.heartbeat-interval'],
    transactionTimeoutMs: v['kafka.transaction-timeout'],
    fetch: {
      maxWaitMs: v['kafka.fetch.max-wait'],
      maxPartitionBytes: v['kafka.fetch.max-partition-bytes'],
      maxBufferedBytes: v['kafka.fetch.max-buffered-bytes'],
    },
    internalTopics: {
      prefix: v['kafka.internal-topics.prefix'] ?? applicationId,
      replicationFactor: v['kafka.internal-topics.replication-factor'],
      minInsyncReplicas: v['kafka.internal-topics.min-insync-replicas'],
    },
    compression: v['kafka.compression'],
    maxBatchBytes: v['kafka.max-batch-bytes'],
  };
}

function ssl(v: OptionValues): SslConfig | null {
  if (!(v['kafka.ssl.enabled'] ?? usesTls(v))) return null;
  return {
    caFile: v['kafka.ssl.ca-file'],
    certFile: v['kafka.ssl.cert-file'],
    keyFile: v['kafka.ssl.key-file'],
    keyPassphrase: v['kafka.ssl.key-passphrase'],
    serverName: v['kafka.ssl.server-name'],
  };
}

function sasl(v: OptionValues): SaslConfig | null {
  const mechanism = v['kafka.sasl.mechanism'];
  if (mechanism === null) return null;
  if (mechanism === 'oauthbearer') {
    const key = 'kafka.sasl.oauthbearer';
    const oauthbearer = {
      tokenFile: v[`${key}.token-file`],
      tokenEndpointUrl: v[`${key}.token-endpoint-url`],
      clientId: v[`${key}.client-id`],
      clientSecret: v[`${key}.client-secret`],
      scope: v[`${key}.scope`],
    };
    return { mechanism, oauthbearer };
  }
  const username = must(v['kafka.sasl.username'], 'SASL user name');
  return { mechanism, username, password: must(v['kafka.sasl.password'], 'SASL password') };
}

function badInput(v: OptionValues): BadInputPolicy {
  const kind = v['bad-input.policy'];
  if (kind !== 'dead-letter') return { kind };
  return { kind, topic: must(v['bad-input.dead-letter-topic'], 'dead-letter topic') };
}

function restart(v: OptionValues): RestartConfig {
  const kind = v['restart-strategy.type'];
  if (kind === 'none') return { kind };
  if (kind === 'fixed-delay') {
    return {
      kind,
      attempts: v['restart-strategy.fixed-delay.attempts'],
      delayMs: v['restart-strategy.fixed-delay.delay'],
    };
  }
  return {
    kind,
    initialBackoffMs: v['restart-strategy.exponential-delay.initial-backoff'],
    maxBackoffMs: v['restart-strategy.exponential-delay.max-backoff'],
    backoffMultiplier: v['restart-strategy.exponential-delay.backoff-multiplier'],
    resetBackoffThresholdMs: v['restart-strategy.exponential-delay.reset-backoff-threshold'],
    jitterFactor: v['restart-strategy.exponential-delay.jitter-factor'],
    attemptsBeforeReset: v['restart-strategy.exponential-delay.attempts-before-reset-backoff'],
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
