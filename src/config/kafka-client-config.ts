import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { KafkaClientConfig } from '../kafka/transport/client-config';
import type { KafkaConfig, SslConfig } from './resolved-config';

/** What the transport takes, from the resolved configuration; reads the certificate files. */
export function kafkaClientConfig(kafka: KafkaConfig): KafkaClientConfig {
  return {
    brokers: kafka.brokers,
    clientId: kafka.clientId,
    requestTimeoutMs: kafka.requestTimeoutMs,
    connectionTimeoutMs: kafka.connectTimeoutMs,
    ...(kafka.ssl === null ? {} : { ssl: tlsOptions(kafka.ssl) }),
    ...(kafka.sasl === null ? {} : { sasl: kafka.sasl }),
  };
}

function tlsOptions(ssl: SslConfig): ConnectionOptions {
  return {
    ...(ssl.caFile === null ? {} : { ca: readFileSync(ssl.caFile) }),
    ...(ssl.certFile === null ? {} : { cert: readFileSync(ssl.certFile) }),
    ...(ssl.keyFile === null ? {} : { key: readFileSync(ssl.keyFile) }),
    ...(ssl.keyPassphrase === null ? {} : { passphrase: ssl.keyPassphrase }),
    ...(ssl.serverName === null ? {} : { servername: ssl.serverName }),
  };
}
