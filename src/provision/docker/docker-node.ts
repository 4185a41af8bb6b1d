import { TidemarkError } from '../../errors';
import { waitUntilLive } from '../readiness';
import type { BrokerNode } from '../types';

const START_LIMIT_MS = 90_000;
const STOP_LIMIT_S = 30;

/** The calls of Docker's API that a node needs. Each resolves when Docker has done it; `wait` when the container has ended. */
export interface ContainerControl {
  start(): Promise<unknown>;
  stop(options: { t: number }): Promise<unknown>;
  kill(options: { signal: string }): Promise<unknown>;
  wait(): Promise<unknown>;
}

/** A broker in a container, which keeps data and host port while it is down. */
export class DockerNode implements BrokerNode {
  readonly id: number;
  readonly address: string;
  readonly listeners = {};
  readonly pid = undefined;
  readonly #container: ContainerControl;
  #running = true;

  /** @param container runs already */
  constructor(id: number, address: string, container: ContainerControl) {
    this.id = id;
    this.address = address;
    this.#container = container;
  }

  isRunning(): boolean {
    return this.#running;
  }

  async start(): Promise<void> {
    if (this.#running) return;
    await this.#container.start();
    this.#running = true;
    const problem = await this.whyNotReady([this.id]);
    if (problem === undefined) return;
    throw new TidemarkError('TM1010', 'usage', `broker ${this.id} did not start: ${problem}`, {
      where: this.address,
    });
  }

  async stop(): Promise<void> {
    if (!this.#running) return;
    await this.#container.stop({ t: STOP_LIMIT_S });
    this.#running = false;
  }

  async kill(): Promise<void> {
    if (!this.#running) return;
    await this.#container.kill({ signal: 'SIGKILL' });
    await this.#container.wait();
    this.#running = false;
  }

  /** Waits until this broker lists all of `ids`. @returns the reason why it does not, or undefined */
  whyNotReady(ids: readonly number[]): Promise<string | undefined> {
    return waitUntilLive(this.address, ids, START_LIMIT_MS, () => undefined);
  }
}
