import type { Socket } from 'node:net';

/*
 * The part of kafkajs 2.2.4's inner classes that is used, as it is in its source. The package is pinned exactly, and
 * the integration test goes through every line of it.
 */

export interface KafkajsLogger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  namespace(name: string): KafkajsLogger;
}

export interface KafkajsQueuedRequest {
  readonly entry: {
    readonly apiKey: number;
    readonly apiName: string;
    readonly apiVersion: number;
    readonly correlationId: number;
    readonly resolve: (answer: { readonly payload: Buffer | null }) => void;
    readonly reject: (error: Error) => void;
  };
  readonly expectResponse: boolean;
  readonly requestTimeout: null;
  readonly sendRequest: () => void;
}

export interface KafkajsRequestQueue {
  readonly pending: readonly unknown[];
  push(request: KafkajsQueuedRequest): void;
  rejectAll(error: Error): void;
  destroy(): void;
  scheduleCheckPendingRequests: () => void;
}

/** One step of a SASL exchange: bytes out, bytes in, both with their length before them. */
export type KafkajsSaslAuthenticate = (step: {
  readonly request: { encode(): Promise<Buffer> };
  readonly response: { decode(sized: Buffer): Promise<Buffer>; parse(bytes: Buffer): Promise<Buffer> };
}) => Promise<Buffer>;

/** `sasl.authenticationProvider`: takes the place of a mechanism that is built in. */
export type KafkajsAuthenticationProvider = (connection: {
  readonly saslAuthenticate: KafkajsSaslAuthenticate;
}) => { authenticate(): Promise<void> };

export interface KafkajsConnection {
  readonly requestQueue: KafkajsRequestQueue;
  readonly sasl: object | null;
  /** Milliseconds, 0: for ever. As the broker granted it at the last login (KIP-368). */
  readonly sessionLifetime: { toNumber(): number };
  /** Milliseconds before the end of the session from which on it counts as over. */
  reauthenticationThreshold: number;
  /** Bytes that must have come before the next answer is complete, its length included. */
  readonly bytesNeeded: number;
  processData: (chunk: Buffer) => void;
  nextCorrelationId(): number;
  isAuthenticated(): boolean;
  authenticate(): Promise<void>;
}

export interface KafkajsConnectionPool {
  readonly pool: readonly KafkajsConnection[];
}

export interface KafkajsBroker {
  readonly versions: Readonly<
    Record<string, { readonly minVersion: number; readonly maxVersion: number }>
  > | null;
  connect(): Promise<void>;
}

export interface KafkajsSocketRequest {
  readonly host: string;
  readonly port: number;
  readonly ssl: object | null;
  readonly onConnect: () => void;
}
export type KafkajsSocketFactory = (request: KafkajsSocketRequest) => Socket;

export interface KafkajsModules {
  readonly Broker: new (options: {
    connectionPool: KafkajsConnectionPool;
    logger: KafkajsLogger;
  }) => KafkajsBroker;
  readonly ConnectionPool: new (options: {
    host: string;
    port: number;
    clientId: string;
    ssl: object | null;
    sasl: object | null;
    logger: KafkajsLogger;
    socketFactory: KafkajsSocketFactory;
    connectionTimeout: number;
    requestTimeout: number;
    enforceRequestTimeout: boolean;
  }) => KafkajsConnectionPool;
  readonly createSocketFactory: () => KafkajsSocketFactory;
}
