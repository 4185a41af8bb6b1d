import type { Platform } from '../../util/ports';
import { DEFAULT_CONNECTION_TIMEOUT_MS, type BrokerAddress, type KafkaClientConfig } from './client-config';
import { BrokerConnection } from './kafkajs-connection';
import { refusalOf } from './login-failure';
import { asError } from './reason';

/** Makes connections, and knows all that are open or being made, so that closing leaves none behind. */
export class Connector {
  readonly #config: KafkaClientConfig;
  readonly #platform: Platform;
  readonly #open = new Set<BrokerConnection>();
  #closed: Error | null = null;
  /** Whether a broker has taken a connection: since then the configuration is known to be right. */
  #admitted = false;

  constructor(config: KafkaClientConfig, platform: Platform) {
    this.#config = config;
    this.#platform = platform;
  }

  /**
   * A connection that is logged in. One that is refused is an error of the configuration, unless it was taken before:
   * then the broker's own configuration is being changed, and the client waits for the end of that.
   * @param onFailure called once when the connection is lost, also when that happens before it was ready
   * @throws {TidemarkError} TM2010, TM2011 refused, with `usage` or `retry`; {Error} any other reason why there is none
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
    try {
      await connection.login();
    } catch (error) {
      throw this.#judged(asError(error), address);
    }
    this.#admitted = true;
    return connection;
  }

  #judged(error: Error, { host, port }: BrokerAddress): Error {
    const reaction = this.#admitted ? 'retry' : 'usage';
    return refusalOf(error, `${host}:${port}`, reaction, this.#config) ?? error;
  }

  /** Ends all connections and refuses new ones; resolves when all sockets are closed. */
  async close(reason: Error): Promise<void> {
    this.#closed = reason;
    await Promise.all([...this.#open].map((connection) => connection.destroy(reason)));
  }
}
