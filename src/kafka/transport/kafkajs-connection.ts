/**
 * The only file that reaches into kafkajs. From it come: the socket with TLS, ApiVersions, SASL (and its renewal),
 * cutting the stream into answers and matching them by correlation id. Everything else about a connection is ours.
 */
import type { Socket } from 'node:net';
import type { Scheduler } from '../../util/ports';
import type { VersionRange } from '../protocol/api';
import type { BrokerAddress, KafkaClientConfig, KafkaLogLevel } from './client-config';
import type {
  KafkajsBroker,
  KafkajsConnection,
  KafkajsLogger,
  KafkajsModules,
  KafkajsSocketFactory,
  KafkajsSocketRequest,
} from './kafkajs-types';
import { asError } from './reason';

/* eslint-disable @typescript-eslint/no-require-imports -- kafkajs has no types for its inner modules */
const Broker = require('kafkajs/src/broker') as KafkajsModules['Broker'];
const ConnectionPool = require('kafkajs/src/network/connectionPool') as KafkajsModules['ConnectionPool'];
const createSocketFactory =
  require('kafkajs/src/network/socketFactory') as KafkajsModules['createSocketFactory'];
/* eslint-enable @typescript-eslint/no-require-imports */

/** No answer is larger; a bigger length means that the other side does not speak Kafka (or speaks TLS). */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

export interface ConnectionOptions {
  readonly config: KafkaClientConfig;
  readonly connectionTimeoutMs: number;
  readonly scheduler: Scheduler;
  /** Called once, with the reason, when the connection is lost or was destroyed. */
  readonly onFailure: (reason: Error) => void;
}

export interface OutgoingRequest {
  readonly apiKey: number;
  readonly apiName: string;
  readonly apiVersion: number;
  readonly expectsAnswer: boolean;
  /** The whole frame. Called when the request is written; what it throws rejects the request. */
  readonly frame: (correlationId: number) => readonly Buffer[];
  /** The first byte is about to go out: from here on nobody knows whether the broker has the request. */
  readonly onWrite: () => void;
  /** The answer behind its correlation id; null when none was expected. */
  readonly onAnswer: (payload: Buffer | null) => void;
  readonly onError: (error: Error) => void;
}

/** One authenticated connection to one broker. Requests go out in call order; when it fails it is gone for good. */
export class BrokerConnection {
  readonly #kafkajs: KafkajsConnection;
  readonly #broker: KafkajsBroker;
  readonly #options: ConnectionOptions;
  readonly #closed: Promise<void>;
  #markClosed: () => void = () => undefined;
  #socket: Socket | null = null;
  #failure: Error | null = null;
  /** Requests that wait until the session has been renewed; null when it is valid. */
  #waitingForLogin: OutgoingRequest[] | null = null;

  /** Nothing is connected before {@link login}. */
  constructor(address: BrokerAddress, options: ConnectionOptions) {
    const { config, connectionTimeoutMs } = options;
    this.#options = options;
    this.#closed = new Promise((resolve) => (this.#markClosed = resolve));
    const logger = kafkajsLogger(config.onLog);
    const pool = new ConnectionPool({
      ...address,
      clientId: config.clientId,
      ssl: config.ssl ?? null,
      sasl: config.sasl === undefined ? null : { ...config.sasl }, // kafkajs adds a property of its own
      logger,
      socketFactory: (request) => this.#makeSocket(request),
      connectionTimeout: connectionTimeoutMs,
      requestTimeout: connectionTimeoutMs,
      enforceRequestTimeout: false, // its clock is the wall clock; time-outs are the lane's
    });
    const [first] = pool.pool;
    if (first === undefined) throw new Error('kafkajs made no connection');
    this.#kafkajs = first;
    this.#broker = new Broker({ connectionPool: pool, logger });
    stopIdleTimer(first);
    this.#guardInput(first);
  }

  /** Connects, asks for the API versions and logs in. @throws {Error} the reason, when one of them fails */
  async login(): Promise<void> {
    const { scheduler, connectionTimeoutMs } = this.#options;
    const tooLong = new Error(`the broker did not finish the handshake within ${2 * connectionTimeoutMs} ms`);
    const cancel = scheduler.after(2 * connectionTimeoutMs, () => void this.destroy(tooLong));
    try {
      await Promise.race([this.#broker.connect(), this.#closed]);
      if (this.#failure !== null) throw this.#failure;
    } catch (error) {
      const reason = this.#failure ?? asError(error);
      void this.destroy(reason);
      throw reason;
    } finally {
      cancel();
    }
  }

  /** Why the connection is no longer usable; null while it is. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** What the broker speaks of the API; undefined: nothing. */
  versions(apiKey: number): VersionRange | undefined {
    return this.#broker.versions?.[apiKey];
  }

  send(request: OutgoingRequest): void {
    if (this.#failure !== null) {
      request.onError(this.#failure);
    } else if (this.#waitingForLogin !== null) {
      this.#waitingForLogin.push(request);
    } else if (this.#kafkajs.sasl !== null && !this.#kafkajs.isAuthenticated()) {
      this.#renewLogin(request);
    } else {
      this.#write(request);
    }
  }

  /** Ends it at once: requests under way fail with `reason`. Resolves when the socket is closed. Idempotent. */
  destroy(reason: Error): Promise<void> {
    if (this.#failure === null) this.#fail(reason);
    return this.#closed;
  }

  /** KIP-368: sessions expire, and the broker then drops the connection. Requests keep their order meanwhile. */
  #renewLogin(first: OutgoingRequest): void {
    const waiting = [first];
    this.#waitingForLogin = waiting;
    this.#kafkajs.authenticate().then(
      () => {
        if (this.#failure !== null) return; // they have been rejected
        this.#waitingForLogin = null;
        for (const request of waiting) this.#write(request);
      },
      (error: unknown) => void this.destroy(asError(error)),
    );
  }

  #write(request: OutgoingRequest): void {
    const { apiKey, apiName, apiVersion, expectsAnswer, onAnswer, onError } = request;
    try {
      const correlationId = this.#kafkajs.nextCorrelationId();
      const frame = request.frame(correlationId);
      this.#kafkajs.requestQueue.push({
        entry: {
          ...{ apiKey, apiName, apiVersion, correlationId },
          resolve: ({ payload }) => onAnswer(payload),
          reject: onError,
        },
        expectResponse: expectsAnswer,
        requestTimeout: null,
        sendRequest: () => this.#writeFrame(frame, request),
      });
    } catch (error) {
      onError(asError(error));
    }
  }

  #writeFrame(frame: readonly Buffer[], request: OutgoingRequest): void {
    if (this.#socket === null) throw new Error('not connected');
    request.onWrite();
    this.#socket.cork();
    for (const chunk of frame) this.#socket.write(chunk);
    this.#socket.uncork();
  }

  #makeSocket(request: KafkajsSocketRequest): Socket {
    if (this.#failure !== null) throw this.#failure;
    const socket = defaultSocketFactory(request);
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.once('end', () => void this.destroy(new Error('the broker closed the connection')));
    socket.once('error', (error) => void this.destroy(error));
    socket.once('close', () => {
      void this.destroy(new Error('the connection was closed'));
      this.#markClosed();
    });
    return socket;
  }

  #fail(reason: Error): void {
    this.#failure = reason;
    const waiting = this.#waitingForLogin ?? [];
    this.#waitingForLogin = null;
    this.#kafkajs.requestQueue.rejectAll(reason);
    this.#kafkajs.requestQueue.destroy();
    for (const request of waiting) request.onError(reason);
    if (this.#socket === null) this.#markClosed();
    else this.#socket.destroy(reason);
    this.#options.onFailure(reason);
  }

  /** kafkajs waits for as many bytes as any four bytes say, and throws inside a socket event when they are negative. */
  #guardInput(connection: KafkajsConnection): void {
    const processData = connection.processData.bind(connection);
    connection.processData = (chunk) => {
      try {
        processData(chunk);
        if (connection.bytesNeeded <= MAX_ANSWER_BYTES) return;
        throw new Error(
          `the other side announces ${connection.bytesNeeded} bytes: is it a Kafka listener, without TLS?`,
        );
      } catch (error) {
        void this.destroy(asError(error));
      }
    };
  }
}

const defaultSocketFactory: KafkajsSocketFactory = createSocketFactory();

/** After every answer kafkajs arms a timer that, with nothing to send, arms itself again every millisecond. */
function stopIdleTimer({ requestQueue }: KafkajsConnection): void {
  const schedule = requestQueue.scheduleCheckPendingRequests.bind(requestQueue);
  requestQueue.scheduleCheckPendingRequests = () => {
    if (requestQueue.pending.length > 0) schedule();
  };
}

function kafkajsLogger(onLog: KafkaClientConfig['onLog']): KafkajsLogger {
  const at =
    (level: KafkaLogLevel) =>
    (message: string, fields: Record<string, unknown> = {}) =>
      onLog?.(level, message, fields);
  const logger: KafkajsLogger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    namespace: () => logger,
  };
  return logger;
}
