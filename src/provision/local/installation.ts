import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchServerJars, whyNoMaven } from './fetch-jars';
import type { Java } from './java';
import { runCommand } from './run-command';
import { renderProperties, serverProperties } from './server-properties';
import { cachedFolder, userCacheDir } from './user-cache';

const FORMAT_LIMIT_MS = 60_000;
const CLUSTER_ID_OF_TEMPLATE = 'AAAAAAAAAAAAAAAAAAAAAQ';

/** A Kafka version that lies ready in the user's cache. */
export interface Installation {
  /** The server's jars. */
  readonly libDir: string;
  /** What a freshly formatted storage folder holds, without `meta.properties`. */
  readonly formatDir: string;
}

/**
 * The server of `version`, from the user's cache or, the first time, through Maven.
 * @param log takes a sentence about a download
 * @throws Error when Maven is missing or fails
 */
export async function installServer(
  version: string,
  java: Java,
  log: (line: string) => void,
): Promise<Installation> {
  const target = join(userCacheDir(), 'kafka', version);
  await cachedFolder(target, async (draft) => {
    const problem = await whyNoMaven();
    if (problem !== undefined) throw new Error(problem);
    log(`Fetching Apache Kafka ${version} through Maven, once for this user`);
    await fetchServerJars(version, join(draft, 'libs'));
    await makeFormatTemplate(java, join(draft, 'libs'), join(draft, 'format'));
  });
  return { libDir: join(target, 'libs'), formatDir: join(target, 'format') };
}

/**
 * Formats a storage folder with the version's own tool and keeps what does not depend on node and cluster: the bootstrap records
 * with the version's feature levels. Copying them makes every later start a JVM run shorter.
 */
async function makeFormatTemplate(java: Java, libDir: string, formatDir: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'tidemark-format-'));
  try {
    const node = { id: 1, port: 19_092, controllerPort: 19_093 };
    const properties = join(work, 'server.properties');
    await writeFile(properties, renderProperties(serverProperties(node, [node], formatDir, {})));
    const tool = ['-cp', join(libDir, '*'), 'kafka.tools.StorageTool'];
    const args = [...tool, 'format', '-t', CLUSTER_ID_OF_TEMPLATE, '-c', properties];
    const { code, output } = await runCommand(java.command, args, { limitMs: FORMAT_LIMIT_MS });
    if (code !== 0) throw new Error(`Kafka's storage tool failed: ${output.slice(-500).trim()}`);
    await rm(join(formatDir, 'meta.properties'));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
