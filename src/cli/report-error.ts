import { CommanderError } from 'commander';
import { TidemarkError, isTidemarkError } from '../errors';
import { isErrorLike } from '../util/error-like';
import type { CliIo } from './io';

export const EXIT_DONE = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
/** 128 + SIGINT, as shells report it. */
export const EXIT_INTERRUPTED = 130;

/** Prints an error as one line, with its stack when asked for, and returns the exit code that it means. */
export function reportError(error: unknown, io: CliIo, verbose: boolean): number {
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT_DONE;
  const known = asTidemarkError(error);
  io.stderr.write(`${oneLine(known.describe())}\n`);
  if (verbose) io.stderr.write(`${stacks(error)}\n`);
  return known.reaction === 'usage' ? EXIT_USAGE : EXIT_FAILED;
}

/** The error itself, a usage error for one of the parser, and TM9001 for one that nobody foresaw. */
export function asTidemarkError(error: unknown): TidemarkError {
  if (isTidemarkError(error)) return error;
  if (error instanceof CommanderError) return usageError(error);
  const what = isErrorLike(error) ? error.message : String(error);
  return new TidemarkError('TM9001', 'stop', `internal error: ${what}`, {
    hint: 'run again with --verbose for the stack trace, and please report it',
    cause: error,
  });
}

function usageError(error: CommanderError): TidemarkError {
  const what = error.message.replace(/^error: /, '');
  return new TidemarkError('TM1007', 'usage', oneLine(what), { hint: "see 'tidemark --help'" });
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ');
}

/** The stack of an error and of its causes. */
function stacks(error: unknown): string {
  const lines: string[] = [];
  let current = error;
  for (let depth = 0; depth < 10 && isErrorLike(current); depth++) {
    const text = current.stack ?? current.message;
    lines.push(depth === 0 ? text : `caused by: ${text}`);
    current = current.cause;
  }
  return lines.join('\n');
}
