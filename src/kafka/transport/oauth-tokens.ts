import { readFile } from 'node:fs/promises';
import { TidemarkError } from '../../errors';
import type { Clock } from '../../util/ports';
import { asError } from './reason';

export interface OauthToken {
  readonly value: string;
}

export interface TokenEndpoint {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string | null;
}

/** Of a token's life; as the Java client renews its login. */
const USED_SHARE = 0.8;
const HTTP_CLIENT_ERRORS = { from: 400, to: 499 };
const HTTP_TOO_MANY_REQUESTS = 429;

/** Reads the token for each login: whoever renews the file need not tell the job. */
export function tokensFromFile(path: string): () => Promise<OauthToken> {
  return async () => {
    const value = await readFile(path, 'utf8').catch((error: unknown) => {
      throw noToken(`the token file cannot be read: ${asError(error).message}`, path, error);
    });
    if (value.trim() === '') throw noToken('the token file is empty', path);
    return { value: value.trim() };
  };
}

/**
 * Fetches tokens with the client credentials grant (RFC 6749, 4.4), and uses one for most of its life. An endpoint that
 * refuses is an error as a refused login is; one that is away is a plain Error, as a broker that is away.
 */
export function tokensFromEndpoint(
  endpoint: TokenEndpoint,
  clock: Clock,
  timeoutMs: number,
): () => Promise<OauthToken> {
  let current: { readonly token: OauthToken; readonly goodUntil: number } | null = null;
  let fetching: Promise<OauthToken> | null = null;
  const renew = async (): Promise<OauthToken> => {
    const { value, lifetimeMs } = await fetchToken(endpoint, timeoutMs);
    current = { token: { value }, goodUntil: clock.monotonic() + USED_SHARE * lifetimeMs };
    return current.token;
  };
  return async () => {
    if (current !== null && clock.monotonic() < current.goodUntil) return current.token;
    fetching ??= renew().finally(() => (fetching = null));
    return fetching;
  };
}

async function fetchToken(
  { url, clientId, clientSecret, scope }: TokenEndpoint,
  timeoutMs: number,
): Promise<{ readonly value: string; readonly lifetimeMs: number }> {
  const response = await fetch(url, {
    method: 'POST',
    // Each part encoded as in a form (RFC 6749, 2.3.1).
    headers: { authorization: `Basic ${base64(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope === null ? {} : { scope }) }),
    redirect: 'error', // the secret is for this address alone
    signal: AbortSignal.timeout(timeoutMs),
  });
  const text = await response.text();
  const { status } = response;
  if (
    status >= HTTP_CLIENT_ERRORS.from &&
    status <= HTTP_CLIENT_ERRORS.to &&
    status !== HTTP_TOO_MANY_REQUESTS
  )
    throw noToken(`the token endpoint refused with HTTP status ${status}${reasonIn(text)}`, url);
  if (!response.ok) throw new Error(`the token endpoint ${url} answered with HTTP status ${status}`);
  const { access_token: value, expires_in: seconds } = parsed(text);
  if (typeof value !== 'string' || value === '')
    throw noToken('the token endpoint answered without a token', url);
  return { value, lifetimeMs: typeof seconds === 'number' ? seconds * 1000 : 0 };
}

/** `error` of RFC 6749, 5.2: one of a few words. Nothing else of the answer is shown. */
function reasonIn(text: string): string {
  const { error } = parsed(text);
  return typeof error === 'string' && /^[\w-]{1,60}$/.test(error) ? `, ${error}` : '';
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function formEncoded(text: string): string {
  return new URLSearchParams({ v: text }).toString().slice(2);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function noToken(what: string, where: string, cause?: unknown): TidemarkError {
  const hint = 'correct the kafka.sasl.oauthbearer options, or what they name';
  return new TidemarkError('TM2010', 'retry', what, { where, hint, cause });
}
