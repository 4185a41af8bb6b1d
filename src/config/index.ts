export { resolveConfig, type ConfigInput } from './resolve-config';
export { redactedConfig } from './redact';
export { applicationDir, localStoreFolders } from './paths';
export type { CodeOptions, OptionKey } from './options';
export type { ResolvedConfig } from './resolved-config';
