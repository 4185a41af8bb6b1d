import { types } from 'node:util';
import { isTidemarkError, TidemarkError, type ErrorCode, type Reaction } from '../../errors';
import type { KafkaClientConfig } from './client-config';
import { reasonOf } from './reason';

/** The other side's first bytes were a TLS record, and this connection speaks plain text. */
export const ANSWERED_WITH_TLS = 'TIDEMARK_ANSWERED_WITH_TLS';

interface Kind {
  /** Of an error or of one of its causes: `code` of Node, `type` of kafkajs, else its name. */
  readonly matches: RegExp;
  readonly code: ErrorCode;
  readonly what: string;
  readonly hint: string;
  /** Of the reason, said in `what` already. */
  readonly prefix?: RegExp;
}

/** First match wins. What is not here may be a broker that is away or going down. */
const KINDS: readonly Kind[] = [
  {
    matches: /^UNSUPPORTED_SASL_MECHANISM$/,
    code: 'TM2010',
    what: 'the broker does not offer this SASL mechanism',
    hint: 'set kafka.sasl.mechanism to one that the listener has, or use the port of another listener',
  },
  {
    matches: /^ILLEGAL_SASL_STATE$/,
    code: 'TM2010',
    what: 'the broker takes no login at this listener',
    hint: 'use the port of a listener with SASL, or leave the kafka.sasl options out',
  },
  {
    matches: /^(KafkaJSSASLAuthenticationError|SASL_AUTHENTICATION_FAILED)$/,
    code: 'TM2010',
    what: 'the broker refused the login',
    prefix: /^(SASL [\w ]+ authentication failed: )?(Authentication failed: )?/,
    hint: "correct the credentials in the kafka.sasl options, or the user's credentials in Kafka",
  },
  {
    matches: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    code: 'TM2011',
    what: "the broker's certificate is made out to another host name",
    hint: 'use a name that the certificate has in the broker address, or set kafka.ssl.server-name to it',
  },
  {
    matches: /^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/,
    code: 'TM2011',
    what: "the broker's certificate is not valid at present",
    hint: "renew the broker's certificate, or correct this host's clock",
  },
  {
    matches:
      /^(UNABLE_TO_\w+|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|CERT_\w+|INVALID_CA|INVALID_PURPOSE)$/,
    code: 'TM2011',
    what: "the broker's certificate is not trusted",
    hint: "set kafka.ssl.ca-file to the authority that signed the brokers' certificates",
  },
  {
    matches: /^ERR_SSL_\w*ALERT_((BAD_|UNSUPPORTED_)?CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED)$/,
    code: 'TM2011',
    what: "the broker does not accept this client's certificate, or wants one and got none",
    hint: 'set kafka.ssl.cert-file and kafka.ssl.key-file to a certificate that the brokers trust and that has not expired',
  },
  {
    matches: /^ERR_SSL_/,
    code: 'TM2011',
    what: 'the TLS handshake with the broker failed',
    hint: "use the port of a listener with TLS, and see the broker's log",
  },
  {
    matches: new RegExp(`^${ANSWERED_WITH_TLS}$`),
    code: 'TM2011',
    what: 'the broker speaks TLS at this listener, and this client does not',
    hint: 'set kafka.ssl.enabled=true, or use the port of a listener without TLS',
  },
];

/**
 * The error for a connection that failed because of how the two sides are configured; null when the broker may just be
 * away. Secrets of the configuration that a broker's message repeats are taken out.
 * @param reaction what the caller's situation makes of it
 */
export function refusalOf(
  error: Error,
  where: string,
  reaction: Reaction,
  config: KafkaClientConfig,
): TidemarkError | null {
  for (let cause: unknown = error; types.isNativeError(cause); cause = cause.cause) {
    if (isTidemarkError(cause)) return cause.code === 'TM2010' ? withReaction(cause, where, reaction) : null;
    const kind = kindOf(cause);
    if (kind === undefined) continue;
    const told = withoutSecrets(firstLine(reasonOf(cause)).replace(kind.prefix ?? '', ''), config);
    return new TidemarkError(kind.code, reaction, `${kind.what}${loginOf(kind, config)}: ${told}`, {
      where,
      hint: kind.hint,
      cause: error,
    });
  }
  return null;
}

function kindOf(error: Error): Kind | undefined {
  const { code, type } = error as { readonly code?: unknown; readonly type?: unknown };
  const words = [code, type, error.name].filter((word) => typeof word === 'string');
  return KINDS.find(({ matches }) => words.some((word) => matches.test(word)));
}

function withReaction(error: TidemarkError, where: string, reaction: Reaction): TidemarkError {
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return new TidemarkError(error.code, reaction, error.message, { where, ...hint, cause: error.cause });
}

/** Who tried to log in, and how. */
function loginOf({ code }: Kind, { sasl }: KafkaClientConfig): string {
  if (code !== 'TM2010' || sasl === undefined) return '';
  const user = 'username' in sasl ? `, user ${sasl.username}` : '';
  return ` (${sasl.mechanism.toUpperCase()}${user})`;
}

/** OpenSSL's errors end with a line break; a message is one line. Its `thread:error:code:library:function:` is noise. */
function firstLine(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  const openssl = /^[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/.exec(line);
  return openssl?.[1] ?? line;
}

function withoutSecrets(text: string, { sasl }: KafkaClientConfig): string {
  if (sasl === undefined || !('password' in sasl) || sasl.password === '') return text;
  return text.replaceAll(sasl.password, '***');
}
