import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_KAFKA_VERSION, type KafkaHandle } from '../../src/provision';
import { installServer } from '../../src/provision/local/installation';
import { findJava, type Java } from '../../src/provision/local/java';
import { runCommand } from '../../src/provision/local/run-command';
import { cachedFolder, userCacheDir } from '../../src/provision/local/user-cache';

const SOURCES = join(__dirname, 'src');
const COMPILE_LIMIT_MS = 120_000;

/** How to run the judge: the Java program, and the class path with Kafka's jars. */
export interface CompiledJudge {
  readonly java: string;
  readonly classPath: string;
}

/**
 * Compiles the judge against the jars of the handle's Kafka version, once for each state of its sources, into the user's cache. Jars that
 * the handle does not have come through Maven.
 * @throws Error when Java, its compiler or Maven is missing
 */
export async function compileJudge(handle: KafkaHandle): Promise<CompiledJudge> {
  const java = await findJava();
  if (typeof java === 'string') throw new Error(`the judge needs Java: ${java}`);
  const version = handle.version === 'unknown' ? DEFAULT_KAFKA_VERSION : handle.version;
  const libDir = handle.libDir ?? (await installServer(version, java, () => undefined)).libDir;
  const sources = await readSources();
  const target = join(userCacheDir(), 'judge', `${version}-${hashOf(sources, java.release)}`);
  const libs = join(libDir, '*');
  const classes = await cachedFolder(target, (draft) => compile(java, [...sources.keys()], libs, draft));
  return { java: java.command, classPath: `${classes}:${libs}` };
}

async function readSources(): Promise<Map<string, string>> {
  const names = (await readdir(SOURCES)).filter((name) => name.endsWith('.java')).sort();
  const entries = names.map(async (name): Promise<[string, string]> => {
    const path = join(SOURCES, name);
    return [path, await readFile(path, 'utf8')];
  });
  return new Map(await Promise.all(entries));
}

function hashOf(sources: ReadonlyMap<string, string>, javaRelease: number): string {
  const hash = createHash('sha256').update(String(javaRelease));
  for (const text of sources.values()) hash.update('\0').update(text);
  return hash.digest('hex').slice(0, 16);
}

async function compile(java: Java, files: readonly string[], libs: string, into: string): Promise<void> {
  const args = ['-encoding', 'UTF-8', '-d', into, '-cp', libs, ...files];
  const { code, output } = await runCommand(java.compiler, args, { limitMs: COMPILE_LIMIT_MS });
  if (code !== 0) throw new Error(`the judge does not compile: ${output.trim() || java.compiler}`);
}
