import { rm } from 'node:fs/promises';
import type { KafkaHandle, StopOptions } from '../types';
import type { ClusterFolders } from './cluster-folders';
import type { LocalNode } from './local-node';
import type { Watchdog } from './watchdog';

const LAST_STOP_LIMIT_MS = 10_000;

/** A broker could not start because something else took its port since it was chosen. */
export class PortTaken extends Error {}

/** Brokers that run as processes of this machine. */
export class LocalCluster implements KafkaHandle {
  readonly source = 'local';
  readonly version: string;
  readonly nodes: readonly LocalNode[];
  readonly brokers: readonly string[];
  readonly libDir: string;
  readonly logDir: string;
  readonly #folders: ClusterFolders;
  readonly #watchdog: Watchdog | undefined;

  constructor(
    version: string,
    nodes: readonly LocalNode[],
    libDir: string,
    folders: ClusterFolders,
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

  /**
   * Starts all brokers; on failure ends them, deletes the data and leaves the logs.
   * @throws PortTaken, or Error with the first complaint of a server
   */
  async start(): Promise<void> {
    for (const node of this.nodes) node.launch();
    const ids = this.nodes.map((node) => node.id);
    const problems = await Promise.all(this.nodes.map((node) => node.whyNotReady(ids)));
    const problem = problems.find((one) => one !== undefined);
    if (problem === undefined) return;
    const taken = (await Promise.all(this.nodes.map((node) => node.foundPortTaken()))).includes(true);
    await this.stop({ keepLogs: !taken });
    if (taken) throw new PortTaken(`a port of ${this.brokers.join(', ')} is taken`);
    throw new Error(`${problem} (logs: ${this.logDir})`);
  }

  async stop({ keepLogs = false }: StopOptions = {}): Promise<void> {
    const { root, temporary } = this.#folders;
    // Data that is deleted anyway needs no orderly end.
    await Promise.all(this.nodes.map((node) => (temporary ? node.kill() : node.stop(LAST_STOP_LIMIT_MS))));
    await this.#watchdog?.dismiss();
    if (!temporary) return;
    const doomed = keepLogs ? this.nodes.map((node) => this.#folders.dataOf(node.id)) : [root];
    await Promise.all(doomed.map((dir) => rm(dir, { recursive: true, force: true })));
  }
}
