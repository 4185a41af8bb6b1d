import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { obtainKafka, type KafkaHandle } from '../../src/provision';
import { findJava } from '../../src/provision/local/java';
import { runCommand } from '../../src/provision/local/run-command';
import { CertificateAuthority, encrypted, type Certificate } from './certificates';

const JAVA_LIMIT_MS = 60_000;
const SCRAM_TOOL = join(__dirname, '..', 'security', 'src', 'ScramUsers.java');
/** What the certificate of the MUTUAL listener is made out to; the client connects to 127.0.0.1. */
export const MUTUAL_NAME = 'broker.internal';
/** Of the encrypted client key. */
export const KEY_PASSPHRASE = 'passphrase-of-the-key';
/** A session of SCRAM-SHA-512 and of OAUTHBEARER at the SECURE listener must be renewed after this time (KIP-368). */
export const SESSION_MS = 4_000;

export interface SecuredKafkaOptions {
  /** Principals that need no ACL, such as `User:ada`. Default: none but those at the plain listener. */
  readonly superUsers?: readonly string[];
  /** Users of SASL PLAIN and their passwords. */
  readonly plainUsers: Readonly<Record<string, string>>;
}

/**
 * A broker with authorizer (nothing is allowed without an ACL) and three listeners for clients:
 * - the plain one, at which anybody is super user: for the tests themselves;
 * - SECURE: TLS and SASL, all mechanisms. OAUTHBEARER with Kafka's validator of unsigned tokens, which is for tests only;
 * - MUTUAL: TLS with client certificates; the principal is `User:CN=<name>`.
 */
export class SecuredKafka {
  readonly kafka: KafkaHandle;
  /** Signed the brokers' certificates, and those of clients that the broker trusts. */
  readonly authority: CertificateAuthority;
  readonly folder: string;

  private constructor(kafka: KafkaHandle, authority: CertificateAuthority, folder: string) {
    this.kafka = kafka;
    this.authority = authority;
    this.folder = folder;
  }

  static async open({ plainUsers, superUsers = [] }: SecuredKafkaOptions): Promise<SecuredKafka> {
    const folder = await mkdtemp(join(tmpdir(), 'tidemark-secured-'));
    const authority = new CertificateAuthority('tidemark test authority');
    const stores = {
      SECURE: authority.issue({ name: 'broker', ipAddresses: ['127.0.0.1'], dnsNames: ['localhost'] }),
      MUTUAL: authority.issue({ name: 'broker', dnsNames: [MUTUAL_NAME] }),
    };
    await writeFile(join(folder, 'ca.pem'), authority.certificate);
    for (const [name, store] of Object.entries(stores)) {
      await writeFile(join(folder, `${name}.pem`), store.key + store.certificate);
    }
    const kafka = await obtainKafka({
      source: 'local',
      listeners: { SECURE: 'SASL_SSL', MUTUAL: 'SSL' },
      serverProperties: { ...authorizer(superUsers), ...tls(folder), ...sasl(plainUsers) },
    });
    return new SecuredKafka(kafka, authority, folder);
  }

  /** The plain listener, of super users. */
  get plain(): string {
    return this.kafka.brokers.join(',');
  }

  at(listener: 'SECURE' | 'MUTUAL'): string {
    return this.kafka.nodes.map(({ listeners }) => listeners[listener]).join(',');
  }

  get caFile(): string {
    return join(this.folder, 'ca.pem');
  }

  /** Writes `<name>.crt`, `<name>.key` and, encrypted, `<name>.locked.key`; the path without the ending. */
  async writeCertificate(name: string, { certificate, key }: Certificate): Promise<string> {
    const path = join(this.folder, name);
    await writeFile(`${path}.crt`, certificate);
    await writeFile(`${path}.key`, key);
    await writeFile(`${path}.locked.key`, encrypted(key, KEY_PASSPHRASE));
    return path;
  }

  /** Sets SCRAM passwords, of new users as of old ones; for both mechanisms. */
  async setScramPasswords(passwords: Readonly<Record<string, string>>): Promise<void> {
    const java = await findJava();
    if (typeof java === 'string') throw new Error(java);
    const words = Object.entries(passwords).flat();
    const classPath = join(this.kafka.libDir ?? '', '*');
    const quiet = ['-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'];
    const args = [...quiet, '-cp', classPath, SCRAM_TOOL, this.plain, ...words];
    const { code, output } = await runCommand(java.command, args, { limitMs: JAVA_LIMIT_MS });
    if (code !== 0) throw new Error(`SCRAM users could not be set: ${output}`);
  }

  async close(): Promise<void> {
    await this.kafka.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A token that the validator of unsigned tokens takes (RFC 7515, `alg: none`). */
export function unsignedToken(subject: string, expiresAt: number): string {
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  const claims = { sub: subject, iat: seconds(Date.now()) - 1, exp: seconds(expiresAt) };
  const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.`;
}

function authorizer(superUsers: readonly string[]): Record<string, string> {
  return {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found': 'false',
    'super.users': ['User:ANONYMOUS', ...superUsers].join(';'),
  };
}

function tls(folder: string): Record<string, string> {
  const ofListener = (name: string): [string, string][] => [
    [`listener.name.${name.toLowerCase()}.ssl.keystore.type`, 'PEM'],
    [`listener.name.${name.toLowerCase()}.ssl.keystore.location`, join(folder, `${name}.pem`)],
  ];
  return {
    ...Object.fromEntries([...ofListener('SECURE'), ...ofListener('MUTUAL')]),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': join(folder, 'ca.pem'),
    'listener.name.mutual.ssl.client.auth': 'required',
  };
}

function sasl(plainUsers: Readonly<Record<string, string>>): Record<string, string> {
  const security = 'org.apache.kafka.common.security';
  const users = Object.entries(plainUsers).map(([name, password]) => `user_${name}="${password}"`);
  const secure = 'listener.name.secure';
  return {
    [`${secure}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    [`${secure}.plain.sasl.jaas.config`]: `${security}.plain.PlainLoginModule required ${users.join(' ')};`,
    [`${secure}.scram-sha-256.sasl.jaas.config`]: `${security}.scram.ScramLoginModule required;`,
    [`${secure}.scram-sha-512.sasl.jaas.config`]: `${security}.scram.ScramLoginModule required;`,
    [`${secure}.scram-sha-512.connections.max.reauth.ms`]: String(SESSION_MS),
    [`${secure}.oauthbearer.sasl.jaas.config`]: `${security}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
    [`${secure}.oauthbearer.connections.max.reauth.ms`]: String(SESSION_MS),
  };
}
