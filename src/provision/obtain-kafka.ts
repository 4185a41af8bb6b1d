import { TidemarkError } from '../errors';
import { startDockerKafka } from './docker/docker-cluster';
import { BROKERS_VARIABLE, kafkaOfEnvironment } from './environment';
import { startLocalKafka } from './local/start-local-kafka';
import {
  DEFAULT_KAFKA_VERSION,
  type KafkaHandle,
  type KafkaRequest,
  type KafkaSource,
  type ObtainKafkaOptions,
} from './types';
import { isSupportedKafkaVersion, OLDEST_JAVA, OLDEST_KAFKA_VERSION } from './versions';

/** One way to a Kafka: a handle, or the reason why this way is closed. */
export interface Way {
  readonly source: KafkaSource;
  /** How an error message calls it. */
  readonly title: string;
  readonly open: (request: KafkaRequest) => Promise<KafkaHandle | string>;
}

const WAYS: readonly Way[] = [
  {
    source: 'environment',
    title: BROKERS_VARIABLE,
    open: (request) => kafkaOfEnvironment(process.env, request),
  },
  { source: 'docker', title: 'Docker', open: startDockerKafka },
  { source: 'local', title: 'Java and Maven', open: startLocalKafka },
];

/**
 * A Kafka that answers, by the first way that is open: the cluster that `TIDEMARK_KAFKA_BROKERS` names; the official image on a Docker
 * daemon that answers (needs the package `testcontainers`); Apache Kafka's own server from Maven Central as a child process. What
 * was started ends with this process, however that ends, unless `detached`.
 * @throws TidemarkError TM1010 with the reason for each way; TM1005 when the environment names a cluster that does not answer
 */
export async function obtainKafka(options: ObtainKafkaOptions = {}): Promise<KafkaHandle> {
  return firstOpenWay(WAYS, completeRequest(options));
}

/** @throws TidemarkError TM1010: the version is not supported */
export function completeRequest(options: ObtainKafkaOptions): KafkaRequest {
  const version = options.version ?? DEFAULT_KAFKA_VERSION;
  if (!isSupportedKafkaVersion(version)) {
    throw new TidemarkError('TM1010', 'usage', `Kafka version '${version}' cannot be started`, {
      hint: `name a release such as ${DEFAULT_KAFKA_VERSION}, not older than ${OLDEST_KAFKA_VERSION}`,
    });
  }
  const { listeners = {} } = options;
  if (Object.keys(listeners).length > 0 && options.source !== 'local') {
    throw new TidemarkError('TM1010', 'usage', 'only a local Kafka can have further listeners', {
      hint: "ask for source 'local'",
    });
  }
  return {
    ...options,
    version,
    listeners,
    brokers: options.brokers ?? 1,
    log: options.log ?? (() => undefined),
    serverProperties: options.serverProperties ?? {},
    heapMiB: options.heapMiB ?? 512,
    detached: options.detached ?? false,
  };
}

/** Tries the ways in order, or the one that the request allows. @throws TidemarkError TM1010, and those that a way throws */
export async function firstOpenWay(ways: readonly Way[], request: KafkaRequest): Promise<KafkaHandle> {
  const reasons: string[] = [];
  for (const { source, title, open } of ways) {
    if (request.source !== undefined && request.source !== source) continue;
    const outcome = await open(request).catch(reasonOf);
    if (typeof outcome !== 'string') return outcome;
    reasons.push(`${title}: ${outcome}`);
  }
  throw new TidemarkError('TM1010', 'usage', `no Kafka can be had; ${reasons.join('; ')}`, {
    hint: `set ${BROKERS_VARIABLE} to host:port of a broker, start Docker, or install Java ${OLDEST_JAVA} or newer and Maven`,
  });
}

/** A failure that closes one way only. @throws TidemarkError when the failure is final */
function reasonOf(error: unknown): string {
  if (error instanceof TidemarkError) throw error;
  return error instanceof Error ? error.message : String(error);
}
