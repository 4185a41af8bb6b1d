import { TidemarkError } from '../errors';
import { nearestName } from './nearest';
import {
  OPTION_KEYS,
  findOption,
  findOptionByCode,
  findOptionByEnv,
  optionSpec,
  type OptionKey,
} from './options';
import { envName } from './option-spec';

/** One value for one option, before parsing, with the place it came from as a user would name it. */
export interface Setting {
  readonly key: OptionKey;
  readonly raw: unknown;
  readonly origin: string;
}

/** Values of the flags that set an option, by option. */
export type FlagValues = Readonly<Partial<Record<OptionKey, string>>>;

export function settingsFromFlags(flags: FlagValues): Setting[] {
  const given = OPTION_KEYS.filter((key) => flags[key] !== undefined);
  return given.map((key) => ({ key, raw: flags[key], origin: optionSpec(key).flag ?? `--${key}` }));
}

/** `KEY=VALUE` of `--set`. @throws TM1001 for an unknown key or a missing `=`. */
export function settingsFromSet(pairs: readonly string[]): Setting[] {
  return pairs.map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) {
      throw new TidemarkError(
        'TM1001',
        'usage',
        `--set takes KEY=VALUE, and got '${at < 0 ? pair : pair.slice(0, at)}'`,
      );
    }
    const name = pair.slice(0, at).trim();
    return {
      key: findOption(name) ?? refuseUnknown(name, '--set'),
      raw: pair.slice(at + 1).trim(),
      origin: '--set',
    };
  });
}

/** Variables of the option table; an empty one counts as not set, others are left alone. */
export function settingsFromEnv(env: NodeJS.ProcessEnv): Setting[] {
  const settings: Setting[] = [];
  for (const [variable, raw] of Object.entries(env)) {
    const key = findOptionByEnv(variable);
    if (key !== undefined && raw !== undefined && raw !== '') {
      settings.push({ key, raw, origin: `environment variable ${variable}` });
    }
  }
  return settings;
}

/**
 * Warns of variables that look like a misspelt option. They are not refused: container platforms put variables of
 * their own into the environment that start the same way, such as `TIDEMARK_SERVICE_HOST`.
 */
export function noticesFromEnv(env: NodeJS.ProcessEnv): string[] {
  const known = OPTION_KEYS.map(envName);
  const notices: string[] = [];
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith('TIDEMARK_') || known.includes(variable)) continue;
    const meant = nearestName(variable, known, 0.15);
    if (meant !== undefined)
      notices.push(`environment variable ${variable} is unknown and ignored; did you mean ${meant}?`);
  }
  return notices;
}

/** Options of a file, nested, with dotted keys, or both. @throws TM1001 for an unknown key. */
export function settingsFromFile(content: Readonly<Record<string, unknown>>, file: string): Setting[] {
  const origin = `file ${file}`;
  return leaves(content).map(([name, raw]) => ({
    key: findOption(name) ?? refuseUnknown(name, origin),
    raw,
    origin,
  }));
}

/** Options as code nests them, or by their keys. @throws TM1001 for an unknown name. */
export function settingsFromCode(code: object): Setting[] {
  const origin = "the program's options";
  return leaves(code as Record<string, unknown>)
    .filter(([, raw]) => raw !== undefined)
    .map(([name, raw]) => ({
      key: findOptionByCode(name) ?? findOption(name) ?? refuseUnknown(name, origin, codeNames()),
      raw,
      origin,
    }));
}

function codeNames(): string[] {
  return OPTION_KEYS.flatMap((key) => [optionSpec(key).code, key]);
}

function refuseUnknown(name: string, origin: string, known: readonly string[] = OPTION_KEYS): never {
  const meant = nearestName(name, known);
  const hint = meant === undefined ? 'docs/configuration.md lists all options' : `did you mean '${meant}'?`;
  throw new TidemarkError('TM1001', 'usage', `option '${name}' is unknown`, { where: origin, hint });
}

/** The values in a tree of plain objects, with their dotted paths. Arrays are values. */
function leaves(tree: Readonly<Record<string, unknown>>, prefix = ''): [string, unknown][] {
  return Object.entries(tree).flatMap(([name, value]): [string, unknown][] => {
    const path = prefix + name;
    return isPlainObject(value) ? leaves(value, `${path}.`) : [[path, value]];
  });
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  // By tag and not by prototype: an object of another realm is as good.
  return Object.prototype.toString.call(value) === '[object Object]';
}
