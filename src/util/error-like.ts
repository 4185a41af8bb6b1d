/** Whether it has the shape of an Error: `instanceof` is false for one of another realm. */
export function isErrorLike(value: unknown): value is Error {
  return typeof value === 'object' && value !== null && typeof (value as Error).message === 'string';
}
