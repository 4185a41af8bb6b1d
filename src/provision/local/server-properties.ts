import type { SecurityProtocol } from '../types';

/** A listener beside the plain one. */
export interface ListenerAddress {
  readonly name: string;
  readonly protocol: SecurityProtocol;
  readonly port: number;
}

/** One broker of a local cluster: a combined broker and controller. */
export interface NodeAddress {
  readonly id: number;
  /** Port for clients and other brokers. */
  readonly port: number;
  /** Port of the metadata quorum. */
  readonly controllerPort: number;
  /** Default: none. */
  readonly listeners?: readonly ListenerAddress[];
}

export const LOOPBACK = '127.0.0.1';

const CLIENT_LISTENER = 'CLIENT';
const CONTROLLER_LISTENER = 'CONTROLLER';
const HUNDRED_YEARS_MS = 100 * 365 * 24 * 3_600_000;

/**
 * Settings of one node: KRaft mode with a static quorum of all nodes, loopback only, few internal partitions, short group
 * sessions allowed, no topic made by accident. `overrides` win.
 */
export function serverProperties(
  node: NodeAddress,
  cluster: readonly NodeAddress[],
  dataDir: string,
  overrides: Readonly<Record<string, string>>,
): Record<string, string> {
  const voters = cluster.map((voter) => `${voter.id}@${LOOPBACK}:${voter.controllerPort}`).join(',');
  const plain: ListenerAddress = { name: CLIENT_LISTENER, protocol: 'PLAINTEXT', port: node.port };
  const forClients = [plain, ...(node.listeners ?? [])];
  const listeners = forClients.map(({ name, port }) => `${name}://${LOOPBACK}:${port}`).join(',');
  const protocols = forClients.map(({ name, protocol }) => `${name}:${protocol}`).join(',');
  return {
    'process.roles': 'broker,controller',
    'node.id': String(node.id),
    'controller.quorum.voters': voters,
    listeners: `${listeners},${CONTROLLER_LISTENER}://${LOOPBACK}:${node.controllerPort}`,
    'advertised.listeners': listeners,
    'controller.listener.names': CONTROLLER_LISTENER,
    'inter.broker.listener.name': CLIENT_LISTENER,
    'listener.security.protocol.map': `${protocols},${CONTROLLER_LISTENER}:PLAINTEXT`,
    'log.dirs': dataDir,
    ...clusterProperties(cluster.length),
    ...overrides,
  };
}

/** The settings that do not depend on where the brokers run; also for containers. */
export function clusterProperties(brokers: number): Record<string, string> {
  const replicas = String(brokers);
  const inSync = String(brokers > 1 ? 2 : 1);
  return {
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': '4',
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': '0',
    // Records may carry event times of any age: a week of retention would delete old ones, and a transaction marker, which has
    // the time of today, would roll a segment after each of them.
    'log.retention.ms': '-1',
    'log.roll.ms': String(HUNDRED_YEARS_MS),
    'group.min.session.timeout.ms': '1000',
    // A killed broker cannot register again before its old session has run out; three on a busy machine need more slack than one.
    'broker.session.timeout.ms': brokers > 1 ? '6000' : '3000',
    'broker.heartbeat.interval.ms': '500',
  };
}

/** A Java properties file. Keys and values are escaped, so that any text comes back as it was. */
export function renderProperties(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([key, value]) => `${escapeText(key).replaceAll(/[ :=]/g, '\\$&')}=${escapeText(value)}\n`)
    .join('');
}

function escapeText(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replace(/^[ #!]/, '\\$&')
    .replaceAll(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
