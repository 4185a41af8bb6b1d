import { randomBytes } from 'node:crypto';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const META_FILE = 'meta.properties';

/** The storage folder of one node. */
export interface NodeStorage {
  readonly id: number;
  readonly dir: string;
}

/**
 * Makes the folders usable by brokers of one cluster: bootstrap records from `formatDir`, then `meta.properties` (version 1) with a
 * common cluster id. Folders that have a `meta.properties` stay as they are.
 */
export async function formatStorage(nodes: readonly NodeStorage[], formatDir: string): Promise<void> {
  const found = await Promise.all(
    nodes.map(({ dir }) => readFile(join(dir, META_FILE), 'utf8').catch(() => '')),
  );
  const clusterId = found.map(clusterIdOf).find((id) => id !== undefined) ?? randomUuid();
  for (const [index, { id, dir }] of nodes.entries()) {
    if (found[index] !== '') continue;
    await mkdir(dir, { recursive: true });
    await cp(formatDir, dir, { recursive: true });
    const lines = ['version=1', `cluster.id=${clusterId}`, `node.id=${id}`, `directory.id=${randomUuid()}`];
    await writeFile(join(dir, META_FILE), `${lines.join('\n')}\n`);
  }
}

function clusterIdOf(meta: string): string | undefined {
  return /^cluster\.id=(.+)$/m.exec(meta)?.[1];
}

/** A random 128-bit id as Kafka's `Uuid` writes it: 22 characters of URL-safe base64, no leading dash (Uuid.randomUuid). */
function randomUuid(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8(bytes.readUInt8(0) & 0x7f, 0);
  return bytes.toString('base64url');
}
