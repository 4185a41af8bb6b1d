import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { TidemarkError } from '../errors';
import { isPlainObject } from './settings';

/** A configuration file in YAML or JSON (which is YAML). @throws TM1009 when it cannot be read or is no mapping. */
export function readConfigFile(path: string): Readonly<Record<string, unknown>> {
  const content = parseText(readText(path), path);
  // An empty file, or one of comments only, sets nothing.
  if (content === null || content === undefined) return {};
  if (isPlainObject(content)) return content;
  throw new TidemarkError('TM1009', 'usage', 'configuration file must hold options, one KEY: VALUE a line', {
    where: path,
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new TidemarkError('TM1009', 'usage', `configuration file cannot be read: ${reason(cause)}`, {
      where: path,
      hint: 'check the path given with --config',
      cause,
    });
  }
}

function parseText(text: string, path: string): unknown {
  try {
    return parse(text, { prettyErrors: false });
  } catch (cause) {
    // Neither message nor excerpt of the parser: it may quote the line of a password.
    const where = `${path}${lineOf(cause, text)}`;
    throw new TidemarkError('TM1009', 'usage', 'configuration file is neither YAML nor JSON', {
      where,
      cause: undefined,
    });
  }
}

function lineOf(error: unknown, text: string): string {
  const position = (error as { pos?: readonly number[] }).pos?.[0];
  return position === undefined ? '' : `:${text.slice(0, position).split('\n').length}`;
}

function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EACCES: 'permission denied',
    EISDIR: 'it is a folder',
  };
  return known[code ?? ''] ?? code ?? 'unknown reason';
}
