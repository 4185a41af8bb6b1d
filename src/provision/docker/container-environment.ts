import { clusterProperties } from '../local/server-properties';

/** Ports inside a container. */
export const CLIENT_PORT = 9092;
const BROKER_PORT = 19_092;
const CONTROLLER_PORT = 9093;

// Any identifier of 22 characters of URL-safe base64 will do: the storage lives and dies with the container.
const CLUSTER_ID = 'dGlkZW1hcmstY29udGFpbg';

/** Name of a node in the containers' network. */
export function aliasOf(id: number): string {
  return `kafka-${id}`;
}

export interface ContainerSettings {
  readonly id: number;
  readonly brokers: number;
  /** `host:port` under which clients outside reach this node. */
  readonly address: string;
  readonly heapMiB: number;
  readonly serverProperties: Readonly<Record<string, string>>;
}

/**
 * Environment of the official image, which takes each broker setting as a variable. It has its own listener for brokers, because clients
 * outside reach a node under another name than its peers.
 */
export function containerEnvironment(settings: ContainerSettings): Record<string, string> {
  const { id, brokers, address, heapMiB } = settings;
  const voters = Array.from({ length: brokers }, (_, index) => {
    return `${index + 1}@${aliasOf(index + 1)}:${CONTROLLER_PORT}`;
  });
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': voters.join(','),
    listeners: `CLIENT://:${CLIENT_PORT},BROKER://:${BROKER_PORT},CONTROLLER://:${CONTROLLER_PORT}`,
    'advertised.listeners': `CLIENT://${address},BROKER://${aliasOf(id)}:${BROKER_PORT}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'BROKER',
    'listener.security.protocol.map': 'CLIENT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT',
    ...clusterProperties(brokers),
    ...settings.serverProperties,
  };
  const variables = Object.entries(properties).map(([name, value]) => [variableOf(name), value] as const);
  return { CLUSTER_ID, KAFKA_HEAP_OPTS: `-Xmx${heapMiB}m`, ...Object.fromEntries(variables) };
}

/** The image's rule: `KAFKA_` and upper case; a dot becomes `_`, an underscore `__`, a dash `___`. */
export function variableOf(property: string): string {
  const name = property.replaceAll('_', '__').replaceAll('-', '___').replaceAll('.', '_');
  return `KAFKA_${name.toUpperCase()}`;
}
