import { isTidemarkError } from '../../errors';
import { isErrorLike } from '../../util/error-like';

/** An error as log fields: code and sentence, never the stack; its causes by message. */
export function errorFields(error: unknown): unknown {
  if (!isErrorLike(error)) return error;
  const own = isTidemarkError(error)
    ? { code: error.code, message: error.message, where: error.where, hint: error.hint }
    : { name: error.name, message: error.message };
  const causes = causeMessages(error.cause);
  return causes.length === 0 ? own : { ...own, causes };
}

function causeMessages(first: unknown): string[] {
  const messages: string[] = [];
  let cause = first;
  while (isErrorLike(cause) && messages.length < 5) {
    messages.push(cause.message);
    cause = cause.cause;
  }
  return messages;
}
