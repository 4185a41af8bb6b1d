import { OPTION_KEYS, optionSpec } from './options';
import type { ResolvedConfig } from './resolved-config';

const HIDDEN = '***';

/** Paths of secrets in a resolved configuration. A secret has the same path there as in code, which a test checks. */
export const SECRET_PATHS: readonly string[] = OPTION_KEYS.map(optionSpec)
  .filter((spec) => spec.secret === true)
  .map((spec) => spec.code);

/** A copy to print: every secret that is set reads `***`. */
export function redactedConfig(config: ResolvedConfig): ResolvedConfig {
  return copy(config, '') as ResolvedConfig;
}

function copy(value: unknown, path: string): unknown {
  if (value !== null && SECRET_PATHS.includes(path)) return HIDDEN;
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value;
  const prefix = path === '' ? '' : `${path}.`;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, copy(member, prefix + name)]),
  );
}
