import { types } from 'node:util';
import { isTidemarkError, TidemarkError } from '../../errors';
import { KafkaRequestError, type ClusterMetadata } from '../port';
import type { KafkaApi, Throttled } from '../protocol/api';
import { METADATA } from '../protocol/metadata';
import type { BrokerAddress } from './client-config';
import type { Lane } from './lane';
import type { LanePool } from './lane-pool';
import { asError, reasonOf } from './reason';

export interface ClusterViewOptions {
  readonly seeds: readonly BrokerAddress[];
  readonly requestTimeoutMs: number;
  readonly lanes: LanePool;
  /** A lane for one metadata request to an address whose node id is not known yet. */
  readonly seedLane: (address: BrokerAddress) => Lane;
}

/** What is known of the brokers: addresses by node id, as the last Metadata answer gave them. */
export class ClusterView {
  readonly #options: ClusterViewOptions;
  #nodes: ReadonlyMap<number, BrokerAddress> = new Map();
  #controllerId = -1;
  /** The node that answered last: the first to be asked when any will do. */
  #preferred = -1;
  #refreshing: Promise<void> | null = null;
  #bootstrapping: Promise<void> | null = null;

  constructor(options: ClusterViewOptions) {
    this.#options = options;
  }

  /** The address of a node; an unknown one is asked for once. @throws {KafkaRequestError} definite, when it stays unknown */
  async addressOf(nodeId: number): Promise<BrokerAddress> {
    // Asking a node for its own address on the lane that waits for it would wait for ever: seeds are asked beside lanes.
    if (this.#nodes.size === 0) await this.#bootstrap();
    if (!this.#nodes.has(nodeId)) await this.#refresh();
    const address = this.#nodes.get(nodeId);
    if (address !== undefined) return address;
    throw new KafkaRequestError(METADATA.name, `the cluster has no node ${nodeId} at present`, true);
  }

  /** Where topics are created and deleted: the controller, or with KRaft any broker, which passes it on. */
  async controller(): Promise<number> {
    if (this.#nodes.size === 0) await this.#bootstrap();
    const [anyNode = -1] = this.#candidates();
    return this.#nodes.has(this.#controllerId) ? this.#controllerId : anyNode;
  }

  async metadata(topics: readonly string[] | null): Promise<ClusterMetadata> {
    const answer = await this.sendToAny(METADATA, { topics });
    this.#learn(answer);
    return answer;
  }

  /**
   * Sends to the first node that can be reached; when none can, the seeds are asked for other addresses. A request
   * that was written is not sent again.
   */
  async sendToAny<Q, A extends Throttled>(api: KafkaApi<Q, A>, request: Q): Promise<A> {
    if (this.#nodes.size === 0) await this.#bootstrap();
    try {
      return await this.#tryNodes(api, request);
    } catch (error) {
      if (!isUnsent(error)) throw error;
    }
    await this.#bootstrap();
    return this.#tryNodes(api, request);
  }

  async #tryNodes<Q, A extends Throttled>(api: KafkaApi<Q, A>, request: Q): Promise<A> {
    let failure = new KafkaRequestError(api.name, 'the cluster has no nodes', true);
    for (const nodeId of this.#candidates()) {
      try {
        const lane = this.#options.lanes.lane(nodeId, 'control');
        const answer = await lane.send(api, request, this.#options.requestTimeoutMs);
        this.#preferred = nodeId;
        return answer;
      } catch (error) {
        if (this.#preferred === nodeId) this.#preferred = this.#nodeAfter(nodeId);
        if (!isUnsent(error)) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  #candidates(): number[] {
    const ids = [...this.#nodes.keys()];
    const start = Math.max(0, ids.indexOf(this.#preferred));
    return [...ids.slice(start), ...ids.slice(0, start)];
  }

  #nodeAfter(nodeId: number): number {
    const ids = [...this.#nodes.keys()];
    return ids[(ids.indexOf(nodeId) + 1) % ids.length] ?? -1;
  }

  #refresh(): Promise<void> {
    this.#refreshing ??= this.metadata([])
      .then(() => undefined)
      .finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  #bootstrap(): Promise<void> {
    this.#bootstrapping ??= this.#askSeeds().finally(() => (this.#bootstrapping = null));
    return this.#bootstrapping;
  }

  async #askSeeds(): Promise<void> {
    const failures: string[] = [];
    for (const address of this.#options.seeds) {
      try {
        this.#learn(await this.#askSeed(address));
        return;
      } catch (error) {
        if (isTidemarkError(error)) throw error;
        refuseBadCredentials(error, address);
        failures.push(reasonOf(asError(error)));
      }
    }
    throw new KafkaRequestError(
      METADATA.name,
      `no bootstrap broker can be reached: ${failures.join('; ')}`,
      true,
    );
  }

  async #askSeed(address: BrokerAddress): Promise<ClusterMetadata> {
    const lane = this.#options.seedLane(address);
    try {
      return await lane.send(METADATA, { topics: [] }, this.#options.requestTimeoutMs);
    } finally {
      await lane.close(new Error('the cluster is known now'));
    }
  }

  #learn(metadata: ClusterMetadata): void {
    if (metadata.brokers.length === 0) return; // a broker that has just started and knows nobody yet
    this.#nodes = new Map(metadata.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    this.#controllerId = metadata.controllerId;
  }
}

function isUnsent(error: unknown): error is KafkaRequestError {
  return error instanceof KafkaRequestError && error.definite;
}

/** A wrong password does not heal by itself, and must not look like a broker that is away. */
function refuseBadCredentials(error: unknown, { host, port }: BrokerAddress): void {
  for (let cause: unknown = error; types.isNativeError(cause); cause = cause.cause) {
    if (cause.name !== 'KafkaJSSASLAuthenticationError') continue;
    const hint = 'correct the SASL mechanism, user name or password';
    throw new TidemarkError('TM2008', 'stop', cause.message, { where: `${host}:${port}`, hint, cause });
  }
}
