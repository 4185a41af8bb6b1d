import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KafkaHandle, KafkaRequest } from '../types';
import { makeClusterFolders, type ClusterFolders } from './cluster-folders';
import { formatStorage } from './format-storage';
import { installServer, type Installation } from './installation';
import { findJava } from './java';
import { LocalCluster, PortTaken } from './local-cluster';
import { LocalNode } from './local-node';
import { freePorts } from './ports';
import { renderProperties, serverProperties, type NodeAddress } from './server-properties';
import { ServerProcess } from './server-process';
import { Watchdog } from './watchdog';

const PORT_TRIES = 3;
const MOST_INITIAL_HEAP_MIB = 256;

/** What the nodes of one cluster have in common. */
interface Setup {
  readonly request: KafkaRequest;
  readonly java: string;
  readonly installation: Installation;
  readonly folders: ClusterFolders;
  readonly watchdog: Watchdog | undefined;
}

/**
 * Starts Apache Kafka's own server on this machine, in KRaft mode, each node broker and controller.
 * @returns a handle whose brokers answer, or the reason why there is none
 * @throws Error: Maven or the server failed
 */
export async function startLocalKafka(request: KafkaRequest): Promise<KafkaHandle | string> {
  const java = await findJava();
  if (typeof java === 'string') return java;
  const installation = await installServer(request.version, java, request.log);
  for (let tries = 1; ; tries += 1) {
    try {
      return await startCluster(request, java.command, installation);
    } catch (error) {
      const mayTryOthers = request.port === undefined && tries < PORT_TRIES;
      if (!(error instanceof PortTaken) || !mayTryOthers) throw error;
    }
  }
}

async function startCluster(
  request: KafkaRequest,
  java: string,
  installation: Installation,
): Promise<LocalCluster> {
  const folders = await makeClusterFolders(request.dataDir);
  const watchdog = request.detached ? undefined : new Watchdog(folders.temporary ? folders.root : undefined);
  const cluster = await prepareCluster({ request, java, installation, folders, watchdog }).catch(
    async (error: unknown) => {
      await watchdog?.dismiss();
      if (folders.temporary) await rm(folders.root, { recursive: true, force: true });
      throw error;
    },
  );
  request.log(`Starting Apache Kafka ${request.version} on ${cluster.brokers.join(', ')}`);
  await cluster.start();
  return cluster;
}

/** Everything up to the start of the processes. */
async function prepareCluster(setup: Setup): Promise<LocalCluster> {
  const { request, installation, folders, watchdog } = setup;
  const addresses = await chooseAddresses(request);
  const storage = addresses.map(({ id }) => ({ id, dir: folders.dataOf(id) }));
  await formatStorage(storage, installation.formatDir);
  const nodes = await Promise.all(addresses.map((address) => makeNode(setup, address, addresses)));
  return new LocalCluster(request.version, nodes, installation.libDir, folders, watchdog);
}

async function chooseAddresses({ brokers, port, listeners }: KafkaRequest): Promise<NodeAddress[]> {
  const further = Object.entries(listeners);
  const ports = await freePorts((2 + further.length) * brokers);
  const take = (): number => ports.pop() ?? 0;
  return Array.from({ length: brokers }, (_, index) => {
    const free = take();
    return {
      id: index + 1,
      port: port === undefined ? free : port + index,
      controllerPort: take(),
      listeners: further.map(([name, protocol]) => ({ name, protocol, port: take() })),
    };
  });
}

async function makeNode(
  { request, java, installation, folders, watchdog }: Setup,
  address: NodeAddress,
  cluster: readonly NodeAddress[],
): Promise<LocalNode> {
  const properties = serverProperties(address, cluster, folders.dataOf(address.id), request.serverProperties);
  const file = join(folders.root, `node-${address.id}.properties`);
  await writeFile(file, renderProperties(properties));
  const classPath = join(installation.libDir, '*');
  const command = [java, ...jvmOptions(request.heapMiB), '-cp', classPath, 'kafka.Kafka', file];
  const log = join(folders.logs, `broker-${address.id}.log`);
  return new LocalNode(address, new ServerProcess(command, log, watchdog));
}

/** Options for a quick start: the first compiler tier only, and the collector with the least set-up. */
function jvmOptions(heapMiB: number): string[] {
  const logger = '-Dorg.slf4j.simpleLogger';
  return [
    `-Xms${Math.min(heapMiB, MOST_INITIAL_HEAP_MIB)}m`,
    `-Xmx${heapMiB}m`,
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-Xshare:auto',
    '-XX:+ExitOnOutOfMemoryError',
    '-XX:-UsePerfData',
    `${logger}.showDateTime=true`,
    `${logger}.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS`,
    // Several lines for each partition at the level below.
    `${logger}.log.state.change.logger=warn`,
  ];
}
