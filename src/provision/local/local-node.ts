import { TidemarkError } from '../../errors';
import { waitUntilLive } from '../readiness';
import type { BrokerNode } from '../types';
import { LOOPBACK, type NodeAddress } from './server-properties';
import type { ServerProcess } from './server-process';

const START_LIMIT_MS = 60_000;

/** A broker that runs as a process of this machine. */
export class LocalNode implements BrokerNode {
  readonly id: number;
  readonly address: string;
  readonly listeners: Readonly<Record<string, string>>;
  readonly #server: ServerProcess;

  constructor({ id, port, listeners = [] }: NodeAddress, server: ServerProcess) {
    this.id = id;
    this.address = `${LOOPBACK}:${port}`;
    this.listeners = Object.fromEntries(listeners.map(({ name, port: at }) => [name, `${LOOPBACK}:${at}`]));
    this.#server = server;
  }

  get pid(): number | undefined {
    return this.#server.pid;
  }

  isRunning(): boolean {
    return this.#server.isRunning();
  }

  async start(): Promise<void> {
    if (this.isRunning()) return;
    this.launch();
    const problem = await this.whyNotReady([this.id]);
    if (problem === undefined) return;
    await this.kill();
    throw new TidemarkError('TM1010', 'usage', `broker ${this.id} did not start: ${problem}`, {
      where: this.address,
    });
  }

  stop(limitMs?: number): Promise<void> {
    return this.#server.stop(limitMs);
  }

  kill(): Promise<void> {
    return this.#server.kill();
  }

  /** Starts the process without waiting for the broker. */
  launch(): void {
    this.#server.start();
  }

  /** Waits until this broker lists all of `ids`. @returns the reason why it does not, or undefined */
  async whyNotReady(ids: readonly number[]): Promise<string | undefined> {
    const gone = 'the process ended';
    const problem = await waitUntilLive(this.address, ids, START_LIMIT_MS, () =>
      this.isRunning() ? undefined : gone,
    );
    return problem === gone ? `${gone}: ${await this.#server.complaint()}` : problem;
  }

  foundPortTaken(): Promise<boolean> {
    return this.#server.foundPortTaken();
  }
}
