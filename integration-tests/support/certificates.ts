import { createPrivateKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

const DAY_MS = 24 * 3_600_000;

export interface CertificateOptions {
  /** Common name; the principal of a client is `User:CN=<name>`. */
  readonly name: string;
  /** Host names of a server. */
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  /** Milliseconds since 1970. Default: tomorrow. */
  readonly notAfter?: number;
}

/** A certificate and its key, PEM. */
export interface Certificate {
  readonly certificate: string;
  /** PKCS #8, not encrypted. */
  readonly key: string;
}

/** An authority that signs certificates of servers and clients, with keys on P-256 (RFC 5280). Made for one test run. */
export class CertificateAuthority {
  readonly certificate: string;
  private readonly name: string;
  private readonly key: KeyObject;

  constructor(name: string) {
    const { publicKey, privateKey } = newKeys();
    this.name = name;
    this.key = privateKey;
    const isAuthority = extension(OID.basicConstraints, true, sequence(BOOLEAN_TRUE));
    this.certificate = this.signed({ name }, publicKey, [isAuthority]);
  }

  issue(options: CertificateOptions): Certificate {
    const { publicKey, privateKey } = newKeys();
    const names = [
      ...(options.dnsNames ?? []).map((name) => tlv(0x82, Buffer.from(name))),
      ...(options.ipAddresses ?? []).map((ip) => tlv(0x87, Buffer.from(ip.split('.').map(Number)))),
    ];
    const extensions = names.length === 0 ? [] : [extension(OID.subjectAltName, false, sequence(...names))];
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
    return { certificate: this.signed(options, publicKey, extensions), key: key.toString() };
  }

  private signed(subject: CertificateOptions, publicKey: KeyObject, extensions: readonly Buffer[]): string {
    const now = Date.now();
    const body = sequence(
      tlv(0xa0, integer(Buffer.from([2]))),
      integer(randomBytes(8)),
      sequence(oid(OID.ecdsaWithSha256)),
      commonName(this.name),
      sequence(time(now - DAY_MS), time(subject.notAfter ?? now + DAY_MS)),
      commonName(subject.name),
      publicKey.export({ type: 'spki', format: 'der' }),
      ...(extensions.length === 0 ? [] : [tlv(0xa3, sequence(...extensions))]),
    );
    const signature = sign('sha256', body, { key: this.key, dsaEncoding: 'der' });
    const der = sequence(
      body,
      sequence(oid(OID.ecdsaWithSha256)),
      tlv(0x03, Buffer.concat([Buffer.of(0), signature])),
    );
    const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
    return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
  }
}

/** The same key, encrypted with a passphrase. */
export function encrypted(key: string, passphrase: string): string {
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const;
  return createPrivateKey(key).export(options).toString();
}

function newKeys(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/* DER (X.690), as much as a certificate takes. */

const OID = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  basicConstraints: '551d13',
  subjectAltName: '551d11',
};
const BOOLEAN_TRUE = Buffer.of(0x01, 0x01, 0xff);

function tlv(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  if (length < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, length), content]);
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

/** Positive whatever its first bit. */
function integer(bytes: Buffer): Buffer {
  return tlv(0x02, (bytes[0] ?? 0) >= 0x80 || bytes[0] === 0 ? Buffer.concat([Buffer.of(1), bytes]) : bytes);
}

function oid(hex: string): Buffer {
  return tlv(0x06, Buffer.from(hex, 'hex'));
}

function commonName(name: string): Buffer {
  return sequence(tlv(0x31, sequence(oid(OID.commonName), tlv(0x0c, Buffer.from(name)))));
}

function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return tlv(0x17, Buffer.from(text.slice(2)));
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(critical ? [BOOLEAN_TRUE] : []), tlv(0x04, value));
}
