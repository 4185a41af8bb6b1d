import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { KafkaHandle, KafkaRequest, StopOptions } from '../types';
import { formatStorage } from './format-storage';
import { installServer, type Installation } from './installation';
import { findJava, type Java } from './java';
import { LocalNode } from './local-node';
import { freePorts } from './ports';
import { renderProperties, serverProperties, type NodeAddress } from './server-properties';
import { ServerProcess } from './server-process';
import { Watchdog } from './watchdog';

const PORT_TRIES = 3;
const LAST_STOP_LIMIT_MS = 10_000;

/** Folders of one cluster. */
interface Folders {
  /** Holds the others. */
  readonly root: string;
  readonly logs: string;
  /** Nobody but us needs it. */
  readonly temporary: boolean;
}

class PortTaken extends Error {}

/**
 * Starts Apache Kafka's own server on this machine, in KRaft mode, each node broker and controller.
 * @returns a handle whose brokers answer, or the reason why there is none
 */
export async function startLocalKafka(request: KafkaRequest): Promise<KafkaHandle | string> {
  const java = await findJava();
  if (typeof java === 'string') return java;
  const installation = await installServer(request.version, java, request.log);
  for (let tries = 1; ; tries += 1) {
    try {
      return await startCluster(request, java, installation);
    } catch (error) {
      if (!(error instanceof PortTaken) || request.port !== undefined || tries === PORT_TRIES) throw error;
    }
  }
}

async function startCluster(
  request: KafkaRequest,
  java: Java,
  installation: Installation,
): Promise<KafkaHandle> {
  const folders = await makeFolders(request.dataDir);
  const watchdog = request.detached ? undefined : new Watchdog(folders.temporary ? folders.root : undefined);
  const addresses = await chooseAddresses(request);
  await formatStorage(
    addresses.map(({ id }) => ({ id, dir: dataOf(folders, id) })),
    installation.formatDir,
  );
  const nodes = await Promise.all(
    addresses.map((address) => makeNode(address, addresses, folders, request, java, installation, watchdog)),
  );
  const cluster = new LocalCluster(request.version, nodes, installation.libDir, folders, watchdog);
  request.log(`Starting Apache Kafka ${request.version} on ${cluster.brokers.join(', ')}`);
  await cluster.start();
  return cluster;
}

async function makeNode(
  address: NodeAddress,
  all: readonly NodeAddress[],
  folders: Folders,
  request: KafkaRequest,
  java: Java,
  { libDir }: Installation,
  watchdog: Watchdog | undefined,
): Promise<LocalNode> {
  const { id, port } = address;
  const properties = serverProperties(address, all, dataOf(folders, id), request.serverProperties);
  const file = join(folders.root, `node-${id}.properties`);
  await writeFile(file, renderProperties(properties));
  const command = [
    java.command,
    ...jvmOptions(request.heapMiB),
    '-cp',
    join(libDir, '*'),
    'kafka.Kafka',
    file,
  ];
  return new LocalNode(
    id,
    port,
    new ServerProcess(command, join(folders.logs, `broker-${id}.log`), watchdog),
  );
}

/** Options for a quick start: the first compiler tier only, and the collector with the least set-up. */
function jvmOptions(heapMiB: number): string[] {
  const logger = '-Dorg.slf4j.simpleLogger';
  return [
    `-Xms${Math.min(heapMiB, 256)}m`,
    `-Xmx${heapMiB}m`,
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-Xshare:auto',
    '-XX:+ExitOnOutOfMemoryError',
    '-XX:-UsePerfData',
    `${logger}.showDateTime=true`,
    `${logger}.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS`,
    // Some ten lines a partition at this level.
    `${logger}.log.state.change.logger=warn`,
  ];
}

async function makeFolders(dataDir: string | undefined): Promise<Folders> {
  const root = dataDir === undefined ? await mkdtemp(join(tmpdir(), 'tidemark-kafka-')) : resolve(dataDir);
  const logs = join(root, 'logs');
  await mkdir(logs, { recursive: true });
  return { root, logs, temporary: dataDir === undefined };
}

function dataOf(folders: Folders, id: number): string {
  return join(folders.root, `node-${id}`);
}

async function chooseAddresses({ brokers, port }: KafkaRequest): Promise<NodeAddress[]> {
  const ports = await freePorts(2 * brokers);
  return ports.slice(0, brokers).map((free, index) => ({
    id: index + 1,
    port: port === undefined ? free : port + index,
    controllerPort: ports[brokers + index] ?? 0,
  }));
}

class LocalCluster implements KafkaHandle {
  readonly source = 'local';
  readonly version: string;
  readonly nodes: readonly LocalNode[];
  readonly brokers: readonly string[];
  readonly libDir: string;
  readonly logDir: string;
  readonly #folders: Folders;
  readonly #watchdog: Watchdog | undefined;

  constructor(
    version: string,
    nodes: readonly LocalNode[],
    libDir: string,
    folders: Folders,
    watchdog: Watchdog | undefined,
  ) {
    this.version = version;
    this.nodes = nodes;
    this.brokers = nodes.map((node) => node.address);
    this.libDir = libDir;
    this.logDir = folders.logs;
    this.#folders = folders;
    this.#watchdog = watchdog;
  }

  /** Starts all brokers; on failure ends them, deletes the data and leaves the logs. */
  async start(): Promise<void> {
    for (const node of this.nodes) node.launch();
    const ids = this.nodes.map((node) => node.id);
    const problems = await Promise.all(this.nodes.map((node) => node.whyNotReady(ids)));
    const problem = problems.find((one) => one !== undefined);
    if (problem === undefined) return;
    const taken = (await Promise.all(this.nodes.map((node) => node.foundPortTaken()))).includes(true);
    await this.stop({ keepLogs: !taken });
    throw taken
      ? new PortTaken(`a port is taken: ${problem}`)
      : new Error(`${problem} (logs: ${this.logDir})`);
  }

  async stop({ keepLogs = false }: StopOptions = {}): Promise<void> {
    const { root, temporary } = this.#folders;
    // Data that is deleted anyway needs no orderly end.
    await Promise.all(this.nodes.map((node) => (temporary ? node.kill() : node.stop(LAST_STOP_LIMIT_MS))));
    await this.#watchdog?.dismiss();
    if (!temporary) return;
    const doomed = keepLogs ? this.nodes.map((node) => dataOf(this.#folders, node.id)) : [root];
    await Promise.all(doomed.map((dir) => rm(dir, { recursive: true, force: true })));
  }
}
