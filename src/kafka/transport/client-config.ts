import type { ConnectionOptions } from 'node:tls';

/** How to prove who one is; the mechanisms are those that kafkajs has built in. */
export type SaslCredentials =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  | {
      readonly mechanism: 'oauthbearer';
      /** Called for every connection and again before its session expires. */
      readonly oauthBearerProvider: () => Promise<{ readonly value: string }>;
    };

export type KafkaLogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface KafkaClientConfig {
  /** `host:port` each, `[address]:port` for IPv6; one that answers is enough. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Options of `tls.connect`; left out: plain text. A function is called for each connection. */
  readonly ssl?: ConnectionOptions | (() => ConnectionOptions);
  readonly sasl?: SaslCredentials;
  /** How long to wait for an answer, in ms, beyond what the request itself lets the broker wait. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** How long a TCP or TLS connect may take, in ms; the handshake of Kafka has the same time again. Default 5,000. */
  readonly connectionTimeoutMs?: number;
  /** Gets the log lines of the connections; by default they are dropped, because failures surface as errors. */
  readonly onLog?: (level: KafkaLogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void;
}

export const DEFAULT_REQUEST_TIMEOUT_MS = 30_000;
export const DEFAULT_CONNECTION_TIMEOUT_MS = 5_000;

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

const ADDRESS = /^(?:\[(?<ipv6>[^\]]+)\]|(?<name>[^:[\]]+)):(?<port>\d{1,5})$/;

/** Reads `host:port` or `[IPv6]:port`. @throws {RangeError} when it is neither. */
export function parseAddress(text: string): BrokerAddress {
  const groups = ADDRESS.exec(text.trim())?.groups;
  const host = groups?.['ipv6'] ?? groups?.['name'];
  const port = Number(groups?.['port']);
  if (host === undefined || !(port >= 1 && port <= 65_535)) {
    throw new RangeError(`"${text}" is not a broker address of the form host:port`);
  }
  return { host, port };
}
