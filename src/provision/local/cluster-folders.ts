import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where a cluster keeps its files. */
export interface ClusterFolders {
  /** Holds the others. */
  readonly root: string;
  /** Logs of the servers. */
  readonly logs: string;
  /** Made for this cluster and deleted with it. */
  readonly temporary: boolean;
  /** Storage folder of a node. */
  dataOf(id: number): string;
}

/** @param dataDir folder that the caller wants to keep; without it, a temporary one */
export async function makeClusterFolders(dataDir: string | undefined): Promise<ClusterFolders> {
  const root = dataDir === undefined ? await mkdtemp(join(tmpdir(), 'tidemark-kafka-')) : resolve(dataDir);
  const logs = join(root, 'logs');
  await mkdir(logs, { recursive: true });
  return { root, logs, temporary: dataDir === undefined, dataOf: (id) => join(root, `node-${id}`) };
}
