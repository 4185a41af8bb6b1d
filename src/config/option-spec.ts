/**
 * The shape of one row of the option table. A row is all there is to an option: its parser, default, environment
 * variable, place in code and documentation come from here.
 */
interface RowBase {
  /** Where code sets it: path in the object that `runJob` takes, e.g. `checkpointing.interval`. */
  readonly code: string;
  /** One or two sentences for docs/configuration.md. */
  readonly doc: string;
  /** `job`: must be the same on every instance. `instance`: each process may have its own. */
  readonly scope: 'job' | 'instance';
  /** Never printed. */
  readonly secret?: true;
  /** Other keys taken for this one, mostly older names in Flink. */
  readonly aliases?: readonly string[];
  /** Flag of `tidemark run` that sets it. */
  readonly flag?: string;
  /** What a null default comes to, for the documentation. */
  readonly defaultText?: string;
  /** Parsed and checked, but this release does nothing with it yet; names the feature. */
  readonly pending?: string;
}
interface DurationRow extends RowBase {
  readonly type: 'duration';
  readonly default: string;
  /** Milliseconds; default 0. */
  readonly min?: number;
}
interface BytesRow extends RowBase {
  readonly type: 'bytes';
  readonly default: string;
  readonly min?: number;
  readonly max?: number;
}
interface IntRow extends RowBase {
  readonly type: 'int';
  readonly default: number | null;
  readonly min: number;
  readonly max: number;
  /** The word `unlimited` is taken, and stands for null. */
  readonly unlimited?: true;
}
interface NumberRow extends RowBase {
  readonly type: 'number';
  readonly default: number;
  readonly min: number;
  readonly max: number;
}
interface BooleanRow extends RowBase {
  readonly type: 'boolean';
  readonly default: boolean | null;
}
interface EnumRow extends RowBase {
  readonly type: 'enum';
  readonly default: string | null;
  readonly values: readonly string[];
  /** Other words that are taken for a value, with whether the user is told. */
  readonly synonyms?: Readonly<Record<string, { readonly value: string; readonly notice: boolean }>>;
}
interface StringRow extends RowBase {
  readonly type: 'string';
  readonly default: string | null;
  readonly pattern?: RegExp;
  /** What the pattern asks for, to follow "must be". */
  readonly patternText?: string;
}
/** A file or folder; made absolute against the working directory, `~/` is the home directory. */
interface PathRow extends RowBase {
  readonly type: 'path';
  readonly default: string | null;
}
/** A folder of the checkpoint storage: `file://` (or a plain path) or `s3://`. */
interface LocationRow extends RowBase {
  readonly type: 'location';
  readonly default: null;
}
/** Comma-separated in text, an array in files and code. */
interface ListRow extends RowBase {
  readonly type: 'list';
  readonly default: readonly string[];
  readonly pattern: RegExp;
  readonly patternText: string;
}

export type OptionSpec =
  | DurationRow
  | BytesRow
  | IntRow
  | NumberRow
  | BooleanRow
  | EnumRow
  | StringRow
  | PathRow
  | LocationRow
  | ListRow;

export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** The parsed value of a row. */
export type ValueOf<S extends OptionSpec> =
  | (S extends { readonly type: 'duration' | 'bytes' | 'int' | 'number' }
      ? number
      : S extends { readonly type: 'boolean' }
        ? boolean
        : S extends { readonly type: 'enum'; readonly values: readonly (infer V)[] }
          ? V
          : S extends { readonly type: 'list' }
            ? readonly string[]
            : string)
  | (null extends S['default'] ? null : S extends { readonly unlimited: true } ? null : never);

/** What code may set a row to: text as in a file, or the value itself. */
export type InputOf<S extends OptionSpec> = S extends { readonly type: 'duration' | 'bytes' }
  ? string | number
  : S extends { readonly unlimited: true }
    ? number | 'unlimited'
    : S extends { readonly type: 'int' | 'number' }
      ? number
      : S extends { readonly type: 'boolean' }
        ? boolean
        : S extends { readonly type: 'enum'; readonly values: readonly (infer V)[] }
          ? V
          : S extends { readonly type: 'list' }
            ? string | readonly string[]
            : string;

/** `execution.epoch.min-interval` → `TIDEMARK_EXECUTION_EPOCH_MIN_INTERVAL`. */
export function envName(key: string): string {
  return `TIDEMARK_${key.toUpperCase().replace(/[.-]/g, '_')}`;
}
