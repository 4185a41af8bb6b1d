import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem, type as osType } from 'node:os';
import { dirname } from 'node:path';

/** One line of the long tier's table. */
export interface Row {
  readonly kafka: string;
  readonly backend: string;
  readonly shuffle: boolean;
  readonly executors: number;
  readonly mode: string;
  readonly clicks: number;
  readonly deaths: number;
  readonly total: number | null;
  readonly gaps: number | null;
  readonly repeats: number | null;
  readonly seconds: number;
  readonly holds: boolean;
  /** What is wrong; empty when it holds. */
  readonly problem: string;
}

/** What is kept between two calls of the long tier, so that it can be interrupted. */
export interface Progress {
  /** Stamp of the compiled sources: results of other sources are not mixed in. */
  readonly sources: string;
  /** Day on which the run began, `YYYY-MM-DD`. */
  readonly day: string;
  readonly rows: Record<string, Row>;
}

const TITLES = [
  'Kafka',
  'backend',
  'shuffle',
  'executors',
  'mode',
  'clicks',
  'deaths',
  'sum of counts',
  'gaps',
  'repeats',
  's',
  'holds',
];

/** The kept progress when it is of these sources, else an empty one of today. */
export async function loadProgress(file: string, sources: string): Promise<Progress> {
  const day = new Date().toISOString().slice(0, 10);
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as Progress;
    if (kept.sources === sources) return kept;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return { sources, day, rows: {} };
}

export async function saveProgress(file: string, progress: Progress): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(progress, null, 1)}\n`);
}

export function renderReport(progress: Progress, planned: number): string {
  const rows = Object.values(progress.rows);
  const held = rows.filter(({ holds }) => holds).length;
  const failed = rows.filter(({ holds }) => !holds);
  const lines = [
    `# Kill matrix, ${progress.day}`,
    '',
    `${rows.length} of ${planned} cases run, ${held} hold, ${failed.length} do not. Written by \`npm run test:full\`.`,
    '',
    'Each case: the clicks are written by the Java producer; the job dies by SIGKILL at five random moments and then once at every',
    'fault point that lies on its way; it is started a last time and ends by itself. Its output is read by the Java consumer with',
    '`read_committed`. EXACTLY_ONCE holds when the last counts sum to the clicks, every user counts 1, 2, 3, … without gap or repeat,',
    'the commit records tile the input, the group offsets are those of the last commit records, the last stable offset of every',
    'partition is its high watermark, and no transaction is open. AT_LEAST_ONCE holds when no user was counted too low and no',
    'count is missing; repeats are counts that were written again.',
    '',
    `Node.js ${process.versions.node}, ${osType()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB; sources ${progress.sources.slice(0, 12)}.`,
    '',
    ...table(rows),
  ];
  if (failed.length > 0) lines.push('', ...failed.map((row) => `- ${nameOf(row)}: ${row.problem}`));
  return `${lines.join('\n')}\n`;
}

export function nameOf({
  kafka,
  backend,
  shuffle,
  executors,
  mode,
}: Pick<Row, 'kafka' | 'backend' | 'shuffle' | 'executors' | 'mode'>): string {
  return `${kafka} ${backend} ${shuffle ? 'shuffle' : 'no-shuffle'} ${executors}x ${mode}`;
}

function table(rows: readonly Row[]): string[] {
  const cells = rows.map((row) => [
    row.kafka,
    row.backend,
    row.shuffle ? 'yes' : 'no',
    String(row.executors),
    row.mode,
    String(row.clicks),
    String(row.deaths),
    String(row.total ?? '–'),
    String(row.gaps ?? '–'),
    String(row.repeats ?? '–'),
    row.seconds.toFixed(0),
    row.holds ? 'yes' : '**NO**',
  ]);
  const all = [TITLES, ...cells];
  const widths = TITLES.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  const format = (line: readonly string[]): string =>
    `| ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [format(TITLES), format(widths.map((width) => '-'.repeat(width))), ...cells.map(format)];
}
