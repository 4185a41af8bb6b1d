import { connect } from 'node:net';
import { TidemarkError } from '../errors';
import { splitAddress } from './readiness';
import type { BrokerNode, KafkaHandle, KafkaRequest } from './types';

/** Names the cluster to use, `host:port` separated by commas. */
export const BROKERS_VARIABLE = 'TIDEMARK_KAFKA_BROKERS';

const CONNECT_LIMIT_MS = 5_000;

/**
 * The cluster that the environment names. One of its brokers must take a connection; whether it speaks TLS is left open.
 * @returns the reason when the variable is not set
 * @throws TidemarkError TM1005: the variable is malformed, or no broker takes a connection
 */
export async function kafkaOfEnvironment(
  env: NodeJS.ProcessEnv,
  request: KafkaRequest,
): Promise<KafkaHandle | string> {
  const value = env[BROKERS_VARIABLE]?.trim() ?? '';
  if (value === '') return 'it is not set';
  const brokers = parseBrokers(value);
  const attempts = await Promise.allSettled(brokers.map(takesConnection));
  if (attempts.every(({ status }) => status === 'rejected')) throw notReachable(value);
  if (Object.keys(request.serverProperties).length > 0) {
    request.log(`Broker settings are not changed: ${BROKERS_VARIABLE} names a cluster that is not ours`);
  }
  const nodes = brokers.map((address, index) => foreignNode(index + 1, address));
  return {
    brokers,
    version: 'unknown',
    source: 'environment',
    nodes,
    libDir: undefined,
    logDir: undefined,
    stop: () => Promise.resolve(),
  };
}

/** @throws TidemarkError TM1005 */
export function parseBrokers(value: string): string[] {
  const brokers = value.split(',').map((part) => part.trim());
  for (const broker of brokers) {
    const { host, port } = splitAddress(broker);
    if (!broker.includes(':') || host === '' || !Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new TidemarkError('TM1005', 'usage', `'${broker}' is not host:port`, { where: BROKERS_VARIABLE });
    }
  }
  return brokers;
}

function notReachable(value: string): TidemarkError {
  return new TidemarkError('TM1005', 'usage', `no broker of ${value} takes a connection`, {
    where: BROKERS_VARIABLE,
    hint: 'start that cluster, or unset the variable',
  });
}

function takesConnection(address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(splitAddress(address));
    socket.setTimeout(CONNECT_LIMIT_MS, () => socket.destroy(new Error('no connection in time')));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}

function foreignNode(id: number, address: string): BrokerNode {
  const refuse = (): Promise<never> =>
    Promise.reject(
      new TidemarkError(
        'TM1010',
        'usage',
        'a broker that the environment names is not ours to start or end',
        {
          where: address,
        },
      ),
    );
  const calls = { start: refuse, stop: refuse, kill: refuse, isRunning: () => true };
  return { id, address, listeners: {}, pid: undefined, ...calls };
}
