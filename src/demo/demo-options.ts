import { parseArgs } from 'node:util';
import { TidemarkError } from '../errors';

export interface DemoOptions {
  readonly clicks: number;
  readonly users: number;
  /** SIGKILL the job in mid-run, twice, and resume it. */
  readonly kill: boolean;
  /** Go on writing clicks until interrupted. */
  readonly forever: boolean;
  readonly executors: number;
  readonly help: boolean;
}

export const DEMO_USAGE = `npm start -- [--clicks N] [--users N] [--kill] [--forever] [--executors N]
  --clicks N      clicks to write and count (200000)
  --users N       users that click (a tenth of the clicks, at most 100000)
  --kill          SIGKILL the job in mid-run, resume it, and show that the totals hold
  --forever       write clicks and count them until Ctrl-C
  --executors N   worker threads of the job (1)`;

const DEFAULT_CLICKS = 200_000;
const MAX_CLICKS = 1_000_000_000;
const MAX_USERS = 100_000;

/** @throws {TidemarkError} TM1007 for anything that is not understood */
export function parseDemoOptions(argv: readonly string[]): DemoOptions {
  const values = parse(argv);
  const clicks = wholeNumber('--clicks', values.clicks, DEFAULT_CLICKS, MAX_CLICKS);
  const users = wholeNumber(
    '--users',
    values.users,
    Math.min(MAX_USERS, Math.max(1, Math.floor(clicks / 10))),
    MAX_USERS,
  );
  const executors = wholeNumber('--executors', values.executors, 1, 64);
  const { kill = false, forever = false, help = false } = values;
  return { clicks, users, kill, forever, executors, help };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        clicks: { type: 'string' },
        users: { type: 'string' },
        executors: { type: 'string' },
        kill: { type: 'boolean' },
        forever: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause));
  }
}

function wholeNumber(name: string, text: string | undefined, fallback: number, max: number): number {
  if (text === undefined) return fallback;
  const value = Number(text.replaceAll('_', ''));
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw usage(`${name} takes a whole number from 1 to ${max}, not "${text}"`);
}

function usage(what: string): TidemarkError {
  return new TidemarkError('TM1007', 'usage', what, { hint: 'npm start -- --help lists the options' });
}
