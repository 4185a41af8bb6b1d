import { existsSync, statSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createJiti } from 'jiti';
import { isJob, type Job } from '../dsl/job';
import { TidemarkError, isTidemarkError } from '../errors';
import { isErrorLike } from '../util/error-like';

export interface LoadedJob {
  readonly job: Job;
  /** Absolute; worker threads load the job from here again. */
  readonly modulePath: string;
}

const NATIVE = new Set(['.js', '.mjs', '.cjs']);
const TYPESCRIPT = new Set(['.ts', '.mts', '.cts']);

/**
 * Loads the module at `path` (against the working directory) and takes the job that it exports by default.
 * TypeScript is stripped of its types, not checked; `import 'tidemark'` in it is this very package.
 * @throws TidemarkError TM1003 when there is no such module, it throws, or it exports no job; TM1008 for `.sql`.
 */
export async function loadJob(path: string): Promise<LoadedJob> {
  const modulePath = resolve(path);
  refuseUnloadable(path, modulePath);
  const exported = defaultExport(await importModule(modulePath));
  if (isJob(exported)) return { job: exported, modulePath };
  throw new TidemarkError('TM1003', 'usage', noJobText(exported), {
    where: path,
    hint: "write 'export default defineJob(name, …)'",
  });
}

function refuseUnloadable(path: string, modulePath: string): void {
  const extension = extname(path).toLowerCase();
  if (extension === '.sql') {
    throw new TidemarkError('TM1008', 'usage', 'a job in SQL comes with the SQL release', {
      where: path,
      hint: 'write it in TypeScript or JavaScript',
    });
  }
  if (!existsSync(modulePath) || !statSync(modulePath).isFile()) {
    throw new TidemarkError('TM1003', 'usage', 'there is no such job file', {
      where: path,
      hint: 'check the path',
    });
  }
  if (!NATIVE.has(extension) && !TYPESCRIPT.has(extension)) {
    throw new TidemarkError('TM1003', 'usage', 'a job file ends with .ts or .js', { where: path });
  }
}

async function importModule(modulePath: string): Promise<unknown> {
  try {
    if (TYPESCRIPT.has(extname(modulePath).toLowerCase())) return await importWithJiti(modulePath);
    return await importNatively(modulePath);
  } catch (cause) {
    if (isTidemarkError(cause)) throw cause;
    const what = isErrorLike(cause) ? cause.message : String(cause);
    throw new TidemarkError('TM1003', 'usage', `job file cannot be loaded: ${firstLine(what)}`, {
      where: modulePath,
      hint: 'the stack trace is shown with --verbose',
      cause,
    });
  }
}

/** A JavaScript job outside a project that has `tidemark` installed still finds this package, through jiti. */
async function importNatively(modulePath: string): Promise<unknown> {
  try {
    return (await import(pathToFileURL(modulePath).href)) as unknown;
  } catch (error) {
    if (!missesThisPackage(error)) throw error;
    return importWithJiti(modulePath);
  }
}

function missesThisPackage(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const missing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  return missing && typeof message === 'string' && /'tidemark(\/testing)?'/.test(message);
}

function importWithJiti(modulePath: string): Promise<unknown> {
  const home = dirname(__dirname);
  const jiti = createJiti(modulePath, {
    interopDefault: false,
    alias: { 'tidemark/testing': resolve(home, 'testing'), tidemark: resolve(home, 'index') },
  });
  return jiti.import(modulePath);
}

/** CommonJS may be the job itself, or, seen through `import()`, have its `exports.default` one level down. */
function defaultExport(module: unknown): unknown {
  if (isJob(module)) return module;
  const outer = (module as { default?: unknown } | undefined)?.default;
  if (isJob(outer) || typeof outer !== 'object' || outer === null) return outer;
  return (outer as { default?: unknown }).default ?? outer;
}

function noJobText(exported: unknown): string {
  if (exported === undefined) return 'job file has no default export';
  const kind =
    exported === null ? 'null' : typeof exported === 'object' ? 'an object' : `a ${typeof exported}`;
  return `job file exports ${kind} by default, and not a job`;
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? text;
}
