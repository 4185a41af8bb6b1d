import type { Platform } from '../../util/ports';
import { DEFAULT_CONNECTION_TIMEOUT_MS, type BrokerAddress, type KafkaClientConfig } from './client-config';
import { BrokerConnection } from './kafkajs-connection';

/** Makes connections, and knows all that are open or being made, so that closing leaves none behind. */
export class Connector {
  readonly #config: KafkaClientConfig;
  readonly #platform: Platform;
  readonly #open = new Set<BrokerConnection>();
  #closed: Error | null = null;

  constructor(config: KafkaClientConfig, platform: Platform) {
    this.#config = config;
    this.#platform = platform;
  }

  /**
   * A connection that is logged in.
   * @param onFailure called once when the connection is lost, also when that happens before it was ready
   * @throws {Error} the reason why there is none
   */
  async connect(address: BrokerAddress, onFailure: () => void): Promise<BrokerConnection> {
    if (this.#closed !== null) throw this.#closed;
    const connection: BrokerConnection = new BrokerConnection(address, {
      config: this.#config,
      connectionTimeoutMs: this.#config.connectionTimeoutMs ?? DEFAULT_CONNECTION_TIMEOUT_MS,
      scheduler: this.#platform.scheduler,
      onFailure: () => {
        this.#open.delete(connection);
        onFailure();
      },
    });
    this.#open.add(connection);
    await connection.login();
    return connection;
  }

  /** Ends all connections and refuses new ones; resolves when all sockets are closed. */
  async close(reason: Error): Promise<void> {
    this.#closed = reason;
    await Promise.all([...this.#open].map((connection) => connection.destroy(reason)));
  }
}
