import { checkpointingOptions } from './options/checkpointing';
import { executionOptions } from './options/execution';
import { instanceOptions } from './options/instance';
import { kafkaOptions } from './options/kafka';
import { restartOptions } from './options/restart';
import { securityOptions } from './options/security';
import { stateOptions } from './options/state';
import { envName, type InputOf, type OptionSpec, type ValueOf } from './option-spec';

/**
 * The one table of options: code, files, environment variables, `--set` and the documentation all read it.
 * Names are Apache Flink's where Flink has the option.
 */
export const OPTIONS = {
  ...instanceOptions,
  ...executionOptions,
  ...checkpointingOptions,
  ...stateOptions,
  ...restartOptions,
  ...kafkaOptions,
  ...securityOptions,
} as const;

type Table = typeof OPTIONS;
export type OptionKey = keyof Table;
export type OptionValues = { readonly [K in OptionKey]: ValueOf<Table[K]> };

export const OPTION_KEYS = Object.keys(OPTIONS) as readonly OptionKey[];

export function optionSpec(key: OptionKey): OptionSpec {
  return OPTIONS[key];
}

/** One option as an object nested along its `code` path. */
type Nested<Path extends string, V> = Path extends `${infer Head}.${infer Rest}`
  ? { readonly [H in Head]?: Nested<Rest, V> }
  : { readonly [P in Path]?: V | undefined };
type Intersection<U> = (U extends unknown ? (member: U) => void : never) extends (all: infer I) => void
  ? I
  : never;

/**
 * The configuration as code writes it, e.g. `{ brokers: 'localhost:9092', checkpointing: { interval: '60s' } }`:
 * every option at its `code` path, all optional.
 */
export type CodeOptions = Intersection<
  { [K in OptionKey]: Nested<Table[K]['code'], InputOf<Table[K]>> }[OptionKey]
>;

const byAlias = new Map<string, OptionKey>();
const byEnvName = new Map<string, OptionKey>();
const byCodePath = new Map<string, OptionKey>();
for (const key of OPTION_KEYS) {
  const spec = optionSpec(key);
  for (const name of [key, ...(spec.aliases ?? [])]) byAlias.set(name, key);
  byEnvName.set(envName(key), key);
  byCodePath.set(spec.code, key);
}

/** The option of that key or alias. */
export function findOption(name: string): OptionKey | undefined {
  return byAlias.get(name);
}

export function findOptionByEnv(variable: string): OptionKey | undefined {
  return byEnvName.get(variable);
}

/** The option at that path of a code object. */
export function findOptionByCode(path: string): OptionKey | undefined {
  return byCodePath.get(path);
}
