import { types } from 'node:util';

/**
 * What went wrong, in words, with the causes that the message does not tell itself. Node reports a refused connect to
 * a name with two addresses with an empty message.
 */
export function reasonOf(error: Error): string {
  const own = error.message === '' ? codeOf(error) : error.message;
  if (!types.isNativeError(error.cause)) return own;
  const cause = reasonOf(error.cause);
  return own.includes(cause) ? own : `${own}: ${cause}`;
}

function codeOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error.name;
}

/** Also an error of another realm is one, which `instanceof` does not see. */
export function asError(thrown: unknown): Error {
  return types.isNativeError(thrown) ? thrown : new Error(String(thrown));
}
