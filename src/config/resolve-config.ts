import { accessSync, constants } from 'node:fs';
import { TidemarkError } from '../errors';
import { buildConfig } from './build-config';
import { refuseContradictions } from './contradictions';
import { OPTION_KEYS, optionSpec, type CodeOptions, type OptionKey, type OptionValues } from './options';
import { parseValue } from './parse-value';
import type { ParsedValue } from './parse-result';
import { readConfigFile } from './read-file';
import type { ResolvedConfig } from './resolved-config';
import {
  noticesFromEnv,
  settingsFromCode,
  settingsFromEnv,
  settingsFromFile,
  settingsFromFlags,
  settingsFromSet,
  type FlagValues,
  type Setting,
} from './settings';

/** Where options may come from, strongest first. */
export interface ConfigInput {
  /** Flags of the command line that set an option. */
  readonly cliFlags?: FlagValues;
  /** `KEY=VALUE` of `--set`; as strong as a flag. */
  readonly set?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Path of a YAML or JSON file. */
  readonly file?: string;
  /** What the program says. */
  readonly code?: CodeOptions;
  /** Taken for the application id when nothing else names it. */
  readonly jobName?: string;
}

/**
 * The configuration from all its sources: flags and `--set`, over the environment, over the file, over code, over the
 * defaults. A value that another one overrides is checked all the same.
 * @throws TidemarkError TM1001 unknown or malformed option, TM1002 contradiction, TM1009 unreadable file.
 */
export function resolveConfig(input: ConfigInput): ResolvedConfig {
  const env = input.env ?? {};
  const layers: readonly Setting[][] = [
    [...settingsFromFlags(input.cliFlags ?? {}), ...settingsFromSet(input.set ?? [])],
    settingsFromEnv(env),
    input.file === undefined ? [] : settingsFromFile(readConfigFile(input.file), input.file),
    settingsFromCode(input.code ?? {}),
  ];
  const chosen = new Map<OptionKey, Choice>();
  // Weakest first, so that a stronger layer replaces what a weaker one chose.
  for (const layer of layers.toReversed()) for (const [key, choice] of choose(layer)) chosen.set(key, choice);
  const values = withDefaults(chosen, input.jobName);
  const origins = new Map([...chosen].map(([key, choice]) => [key, choice.origin] as const));
  refuseContradictions(values, origins);
  refuseUnreadableFiles(values, origins);
  return buildConfig(values, env, [...noticesFromEnv(env), ...noticesOf(chosen), ...pendingNotices(chosen)]);
}

interface Choice {
  readonly value: ParsedValue;
  readonly origin: string;
  readonly notice: string | undefined;
}

/** The values of one layer. @throws TM1002 when one option is given twice with different values. */
function choose(layer: readonly Setting[]): Map<OptionKey, Choice> {
  const choices = new Map<OptionKey, Choice>();
  for (const setting of layer) {
    const choice = parseSetting(setting);
    const other = choices.get(setting.key);
    if (other !== undefined && JSON.stringify(other.value) !== JSON.stringify(choice.value)) {
      throw new TidemarkError(
        'TM1002',
        'usage',
        `option ${setting.key} is given twice with different values`,
        {
          where: [...new Set([other.origin, choice.origin])].join(', '),
          hint: 'keep one',
        },
      );
    }
    choices.set(setting.key, choice);
  }
  return choices;
}

function parseSetting({ key, raw, origin }: Setting): Choice {
  const result = parseValue(optionSpec(key), raw);
  if (result.ok) return { value: result.value, origin, notice: result.notice };
  const hint = result.hint === undefined ? {} : { hint: result.hint };
  throw new TidemarkError('TM1001', 'usage', `option ${key} ${result.problem}`, { where: origin, ...hint });
}

function withDefaults(chosen: ReadonlyMap<OptionKey, Choice>, jobName: string | undefined): OptionValues {
  const values: Partial<Record<OptionKey, ParsedValue>> = {};
  for (const key of OPTION_KEYS) values[key] = chosen.get(key)?.value ?? defaultOf(key);
  if (values['application-id'] === null && jobName !== undefined) {
    values['application-id'] = parseSetting({
      key: 'application-id',
      raw: jobName,
      origin: 'name of the job',
    }).value;
  }
  return values as OptionValues;
}

function defaultOf(key: OptionKey): ParsedValue {
  const spec = optionSpec(key);
  if (spec.default === null) return null;
  const result = parseValue(spec, spec.default);
  // Only the empty list of brokers does not parse: it stands for "not given".
  return result.ok ? result.value : [];
}

const READ_FILES = ['kafka.ssl.ca-file', 'kafka.ssl.cert-file', 'kafka.ssl.key-file'] as const;

function refuseUnreadableFiles(values: OptionValues, origins: ReadonlyMap<OptionKey, string>): void {
  for (const key of READ_FILES) {
    const file = values[key];
    if (file === null) continue;
    try {
      accessSync(file, constants.R_OK);
    } catch (cause) {
      const where = origins.get(key) ?? 'the defaults';
      throw new TidemarkError('TM1001', 'usage', `option ${key} names '${file}', which cannot be read`, {
        where,
        cause,
      });
    }
  }
}

function noticesOf(chosen: ReadonlyMap<OptionKey, Choice>): string[] {
  const told = [...chosen].filter(([, choice]) => choice.notice !== undefined);
  return told.map(([key, choice]) => `option ${key}: ${choice.notice ?? ''} (${choice.origin})`);
}

/** An option that was changed and does nothing yet must not pass in silence. */
function pendingNotices(chosen: ReadonlyMap<OptionKey, Choice>): string[] {
  const changed = [...chosen].filter(
    ([key, { value }]) => JSON.stringify(value) !== JSON.stringify(defaultOf(key)),
  );
  return changed.flatMap(([key, { origin }]) => {
    const { pending } = optionSpec(key);
    return pending === undefined
      ? []
      : [`option ${key} does nothing in this release: ${pending} (${origin})`];
  });
}
