import { OPTION_KEYS, optionSpec } from '../../config/options';

/** Names of fields that are never logged, wherever they stand: the last part of each secret option, in both spellings. */
const SECRET_NAMES: ReadonlySet<string> = new Set(
  OPTION_KEYS.filter((key) => optionSpec(key).secret === true).flatMap((key) => [
    lastPart(key),
    lastPart(optionSpec(key).code),
  ]),
);

export const CENSORED = '***';

export function isSecretName(name: string): boolean {
  return SECRET_NAMES.has(lastPart(name));
}

/** Paths for pino's `redact`: each secret at the top and up to three levels down. */
export function redactPaths(): string[] {
  const quoted = [...SECRET_NAMES].map((name) => (/^\w+$/.test(name) ? name : `["${name}"]`));
  return ['', '*', '*.*', '*.*.*'].flatMap((prefix) => quoted.map((name) => joinPath(prefix, name)));
}

function joinPath(prefix: string, name: string): string {
  return prefix === '' || name.startsWith('[') ? prefix + name : `${prefix}.${name}`;
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
