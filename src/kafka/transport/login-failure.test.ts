import { TidemarkError } from '../../errors';
import type { KafkaClientConfig } from './client-config';
import { ANSWERED_WITH_TLS, refusalOf } from './login-failure';

const PASSWORD = 'hunter2';
const config: KafkaClientConfig = {
  brokers: [],
  clientId: 'c',
  sasl: { mechanism: 'scram-sha-512', username: 'ada', password: PASSWORD },
};

function coded(code: string, message = code): Error {
  return Object.assign(new Error(message), { code });
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

function described(error: Error, reaction: 'usage' | 'retry' = 'usage'): string | undefined {
  return refusalOf(error, 'kafka:9093', reaction, config)?.describe();
}

test.each([
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'is not trusted', 'kafka.ssl.ca-file'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'is not trusted', 'kafka.ssl.ca-file'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'is not trusted', 'kafka.ssl.ca-file'],
  ['CERT_SIGNATURE_FAILURE', 'is not trusted', 'kafka.ssl.ca-file'],
  ['CERT_HAS_EXPIRED', 'is not valid at present', 'renew'],
  ['CERT_NOT_YET_VALID', 'is not valid at present', 'clock'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'another host name', 'kafka.ssl.server-name'],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', "this client's certificate", 'kafka.ssl.cert-file'],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', "this client's certificate", 'kafka.ssl.cert-file'],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', "this client's certificate", 'kafka.ssl.cert-file'],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', "this client's certificate", 'kafka.ssl.cert-file'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'handshake', 'a listener with TLS'],
  ['ERR_SSL_NO_PROTOCOLS_AVAILABLE', 'handshake', 'a listener with TLS'],
  [ANSWERED_WITH_TLS, 'speaks TLS at this listener', 'kafka.ssl.enabled'],
])('%s: TM2011', (code, what, hint) => {
  const text = described(coded(code));
  expect(text).toMatch(/^TM2011 [^\n]* \(kafka:9093\): [^\n]*$/);
  expect(text).toContain(what);
  expect(text).toContain(hint);
});

test('a refused login names the user and the mechanism, and what the broker says, once', () => {
  const message = 'SASL SCRAM SHA512 authentication failed: Authentication failed during authentication';
  const error = named('KafkaJSSASLAuthenticationError', message);
  expect(described(error)).toBe(
    'TM2010 the broker refused the login (SCRAM-SHA-512, user ada): Authentication failed during authentication (kafka:9093): ' +
      "correct the credentials in the kafka.sasl options, or the user's credentials in Kafka",
  );
});

test.each([
  ['UNSUPPORTED_SASL_MECHANISM', 'does not offer'],
  ['ILLEGAL_SASL_STATE', 'takes no login at this listener'],
  ['SASL_AUTHENTICATION_FAILED', 'refused the login'],
])('%s of the protocol: TM2010', (type, what) => {
  const text = described(Object.assign(new Error('told'), { type }));
  expect(text).toMatch(/^TM2010 /);
  expect(text).toContain(what);
});

test('a password that the broker repeats is not shown', () => {
  const text = described(named('KafkaJSSASLAuthenticationError', `no user with password ${PASSWORD}`));
  expect(text).toContain('no user with password ***');
  expect(text).not.toContain(PASSWORD);
});

test("OpenSSL's message is cut to what it says", () => {
  const message =
    '80DC:error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate:../rec_layer_s3.c:1601:SSL alert number 42\n';
  expect(described(coded('ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', message))).toContain(
    'got none: sslv3 alert bad certificate (kafka:9093)',
  );
});

test('takes the reaction that it is given, also for an error of the source of tokens', () => {
  const noToken = new TidemarkError('TM2010', 'retry', 'the token file is empty', { where: '/t', hint: 'h' });
  for (const error of [noToken, new Error('wrapped', { cause: noToken }), coded('CERT_HAS_EXPIRED')]) {
    for (const reaction of ['usage', 'retry'] as const) {
      expect(refusalOf(error, 'kafka:9093', reaction, config)?.reaction).toBe(reaction);
    }
  }
});

test.each([
  coded('ECONNREFUSED'),
  coded('ECONNRESET'),
  new Error('the broker closed the connection'),
  new TidemarkError('TM2009', 'stop', 'too old'),
])('%s may be a broker that is away', (error) => {
  expect(refusalOf(error, 'kafka:9093', 'usage', config)).toBeNull();
});
