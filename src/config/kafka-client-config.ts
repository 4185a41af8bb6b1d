import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type ConnectionOptions } from 'node:tls';
import { TidemarkError } from '../errors';
import type { KafkaClientConfig, SaslCredentials } from '../kafka/transport/client-config';
import { tokensFromEndpoint, tokensFromFile } from '../kafka/transport/oauth-tokens';
import { must } from '../util/asserts';
import type { Platform } from '../util/ports';
import type { KafkaConfig, SaslConfig, SslConfig } from './resolved-config';

/**
 * What the transport takes, from the resolved configuration. Certificate files are read for every connection, so that
 * those that are renewed in time are taken without a restart.
 * @throws TidemarkError TM1001: a file is not what its option says
 */
export function kafkaClientConfig(kafka: KafkaConfig, platform: Platform): KafkaClientConfig {
  const { ssl, sasl } = kafka;
  if (ssl !== null) refuseUnusable(ssl);
  return {
    brokers: kafka.brokers,
    clientId: kafka.clientId,
    requestTimeoutMs: kafka.requestTimeoutMs,
    connectionTimeoutMs: kafka.connectTimeoutMs,
    ...(ssl === null ? {} : { ssl: () => tlsOptions(ssl) }),
    ...(sasl === null ? {} : { sasl: credentials(sasl, kafka, platform) }),
  };
}

function credentials(sasl: SaslConfig, kafka: KafkaConfig, { clock }: Platform): SaslCredentials {
  if (sasl.mechanism !== 'oauthbearer') return sasl;
  const { tokenFile, tokenEndpointUrl, clientId, clientSecret, scope } = sasl.oauthbearer;
  if (tokenFile !== null) return { mechanism: 'oauthbearer', oauthBearerProvider: tokensFromFile(tokenFile) };
  const endpoint = {
    url: must(tokenEndpointUrl, 'token endpoint'),
    clientId: must(clientId, 'client id'),
    clientSecret: must(clientSecret, 'client secret'),
    scope,
  };
  const oauthBearerProvider = tokensFromEndpoint(endpoint, clock, kafka.connectTimeoutMs);
  return { mechanism: 'oauthbearer', oauthBearerProvider };
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

/** Once, at start: a file that is no certificate would look like a broker that is away. */
function refuseUnusable(ssl: SslConfig): void {
  const { ca, cert, key, passphrase } = tlsOptions(ssl);
  attempt('kafka.ssl.ca-file', ssl.caFile, () => {
    if (ca !== undefined) new X509Certificate(ca as Buffer);
  });
  attempt('kafka.ssl.cert-file', ssl.certFile, () => {
    if (cert !== undefined) new X509Certificate(cert as Buffer);
  });
  const withPassphrase = passphrase === undefined ? {} : { passphrase };
  attempt('kafka.ssl.key-file', ssl.keyFile, () => {
    if (cert !== undefined && key !== undefined) createSecureContext({ cert, key, ...withPassphrase });
  });
}

function attempt(option: keyof typeof HINTS, file: string | null, use: () => void): void {
  try {
    use();
  } catch (error) {
    throw new TidemarkError('TM1001', 'usage', `${option} names a file that cannot be used`, {
      ...(file === null ? {} : { where: file }),
      hint: HINTS[option],
      cause: error,
    });
  }
}

const HINTS = {
  'kafka.ssl.ca-file': 'it must hold certificates in PEM',
  'kafka.ssl.cert-file': 'it must hold a certificate in PEM',
  'kafka.ssl.key-file':
    'it must hold, in PEM, the key of the certificate in kafka.ssl.cert-file; one that is encrypted needs the right kafka.ssl.key-passphrase',
};
