/** What went wrong, in words: Node reports a refused connect to a name with two addresses with an empty message. */
export function reasonOf(error: Error): string {
  const own = error.message === '' ? codeOf(error) : error.message;
  return error.cause instanceof Error ? `${own}: ${reasonOf(error.cause)}` : own;
}

function codeOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error.name;
}

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
