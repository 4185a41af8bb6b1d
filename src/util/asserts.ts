/** Thrown when the program itself is wrong; never for an operation that failed. On in production. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** States an invariant. @throws {AssertionError} when it does not hold: a bug, never bad input. */
export function assert(condition: unknown, message: string | (() => string)): asserts condition {
  if (!condition) throw new AssertionError(typeof message === 'function' ? message() : message);
}

/** The value, which must be there. @throws {AssertionError} when it is null or undefined. */
export function must<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new AssertionError(`${what} is missing`);
  return value;
}

/** Marks a branch that the types rule out. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}
