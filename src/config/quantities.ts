/**
 * Durations and sizes as Apache Flink writes them (`TimeUtils.parseDuration`, `MemorySize.parse`): a number, an optional
 * blank, an optional unit. Unlike Flink a fraction is taken, as long as the result is whole.
 */
const DURATION_UNITS: ReadonlyMap<string, number> = units([
  [['ns', 'nano', 'nanos', 'nanosecond', 'nanoseconds'], 1e-6],
  [['us', 'µs', 'micro', 'micros', 'microsecond', 'microseconds'], 1e-3],
  [['', 'ms', 'milli', 'millis', 'millisecond', 'milliseconds'], 1],
  [['s', 'sec', 'secs', 'second', 'seconds'], 1_000],
  [['m', 'min', 'mins', 'minute', 'minutes'], 60_000],
  [['h', 'hour', 'hours'], 3_600_000],
  [['d', 'day', 'days'], 86_400_000],
]);

const SIZE_UNITS: ReadonlyMap<string, number> = units([
  [['', 'b', 'byte', 'bytes'], 1],
  [['k', 'kb', 'kib', 'kibibytes'], 1024],
  [['m', 'mb', 'mib', 'mebibytes'], 1024 ** 2],
  [['g', 'gb', 'gib', 'gibibytes'], 1024 ** 3],
  [['t', 'tb', 'tib', 'tebibytes'], 1024 ** 4],
]);

/** Whole milliseconds; undefined when the text is no duration. A plain number is milliseconds. */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(text, DURATION_UNITS);
}

/** Whole bytes; undefined when the text is no size. A plain number is bytes; `kb` is 1024 bytes, as in Flink. */
export function parseBytes(text: string): number | undefined {
  return parseQuantity(text, SIZE_UNITS);
}

function parseQuantity(text: string, unitSizes: ReadonlyMap<string, number>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-zµ]*)$/.exec(text.trim().toLowerCase());
  if (match === null) return undefined;
  const size = unitSizes.get(match[2] ?? '');
  if (size === undefined) return undefined;
  const total = Number(match[1]) * size;
  const whole = Math.round(total);
  const isWhole = Math.abs(total - whole) < 1e-6;
  return isWhole && Number.isSafeInteger(whole) ? whole : undefined;
}

function units(table: readonly (readonly [readonly string[], number])[]): Map<string, number> {
  return new Map(table.flatMap(([names, size]) => names.map((name) => [name, size] as const)));
}

/** `90000` → `90 s`: the largest unit that leaves a whole number. */
export function formatDuration(ms: number): string {
  return formatQuantity(ms, [
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
    ['ms', 1],
  ]);
}

/** `65536` → `64 kb`: the largest unit that leaves a whole number. */
export function formatBytes(bytes: number): string {
  return formatQuantity(bytes, [
    ['gb', 1024 ** 3],
    ['mb', 1024 ** 2],
    ['kb', 1024],
    ['bytes', 1],
  ]);
}

function formatQuantity(value: number, unitSizes: readonly (readonly [string, number])[]): string {
  const fitting = unitSizes.find(([, size]) => value >= size && value % size === 0);
  const [name, size] = fitting ?? unitSizes[unitSizes.length - 1] ?? ['', 1];
  return `${value / size} ${name}`;
}
