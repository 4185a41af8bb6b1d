import type * as TestcontainersModule from 'testcontainers';
import type { StartedNetwork, StartedTestContainer } from 'testcontainers';
import { freePorts } from '../local/ports';
import type { KafkaHandle, KafkaRequest } from '../types';
import { aliasOf, CLIENT_PORT, containerEnvironment } from './container-environment';
import { whyNoDaemon } from './daemon';
import { DockerNode } from './docker-node';

const IMAGE = 'apache/kafka';
const START_LIMIT_MS = 180_000;

type Testcontainers = typeof TestcontainersModule;

/**
 * Starts the official image in containers that Docker's side removes when this process is gone (testcontainers' reaper).
 * @returns a handle whose brokers answer, or the reason why there is none
 */
export async function startDockerKafka(request: KafkaRequest): Promise<KafkaHandle | string> {
  if (request.detached) return 'its containers do not outlive the process that started them';
  if (request.dataDir !== undefined) return 'its containers do not keep data in a folder of this machine';
  const problem = await whyNoDaemon();
  if (problem !== undefined) return problem;
  const testcontainers = await loadTestcontainers();
  if (testcontainers === undefined)
    return "a daemon answers, but the package 'testcontainers' is not installed";
  request.log(`Starting ${IMAGE}:${request.version} in Docker`);
  return startContainers(testcontainers, request);
}

async function loadTestcontainers(): Promise<Testcontainers | undefined> {
  try {
    return await import('testcontainers');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

async function startContainers(testcontainers: Testcontainers, request: KafkaRequest): Promise<KafkaHandle> {
  const client = await testcontainers.getContainerRuntimeClient();
  const network = await new testcontainers.Network().start();
  // A broker tells clients its address, so the port on the host has to be known before the container starts.
  const ports = await hostPorts(request);
  const addresses = ports.map((port) => `${client.info.containerRuntime.host}:${port}`);
  const starts = await Promise.allSettled(
    ports.map((port, index) => startContainer(testcontainers, network, request, index + 1, port, addresses)),
  );
  const containers = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const stop = once(() => removeAll(containers, network));
  const failed = starts.find((start) => start.status === 'rejected');
  const nodes = containers.map((container, index) => {
    return new DockerNode(index + 1, addresses[index] ?? '', client.container.getById(container.getId()));
  });
  const problem = failed === undefined ? await firstProblem(nodes) : messageOf(failed.reason);
  if (problem !== undefined) {
    await stop();
    throw new Error(problem);
  }
  const { version } = request;
  return { brokers: addresses, version, source: 'docker', nodes, libDir: undefined, logDir: undefined, stop };
}

async function hostPorts({ brokers, port }: KafkaRequest): Promise<number[]> {
  if (port === undefined) return freePorts(brokers);
  return Array.from({ length: brokers }, (_, index) => port + index);
}

function startContainer(
  { GenericContainer, Wait }: Testcontainers,
  network: StartedNetwork,
  request: KafkaRequest,
  id: number,
  port: number,
  addresses: readonly string[],
): Promise<StartedTestContainer> {
  const { brokers, heapMiB, serverProperties } = request;
  const address = addresses[id - 1] ?? '';
  return new GenericContainer(`${IMAGE}:${request.version}`)
    .withNetwork(network)
    .withNetworkAliases(aliasOf(id))
    .withExposedPorts({ container: CLIENT_PORT, host: port })
    .withEnvironment(containerEnvironment({ id, brokers, address, heapMiB, serverProperties }))
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .withStartupTimeout(START_LIMIT_MS)
    .start();
}

async function firstProblem(nodes: readonly DockerNode[]): Promise<string | undefined> {
  const ids = nodes.map((node) => node.id);
  const problems = await Promise.all(nodes.map((node) => node.whyNotReady(ids)));
  return problems.find((problem) => problem !== undefined);
}

async function removeAll(
  containers: readonly StartedTestContainer[],
  network: StartedNetwork,
): Promise<void> {
  await Promise.all(containers.map((container) => container.stop({ timeout: 0 })));
  await network.stop();
}

/** `action`, run at the first call only. */
function once(action: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined;
  return () => (result ??= action());
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
