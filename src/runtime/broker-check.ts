import type { ResolvedConfig } from '../config/resolved-config';
import { TidemarkError } from '../errors';
import type { ClientContext } from '../kafka/client/client-context';
import { isNegotiating, KafkaRequestError, type ClusterMetadata, type ConfigResult } from '../kafka/port';
import type { Logger } from '../util/logger';

type Broker = ClusterMetadata['brokers'][number];

/** From Kafka 3.6 on a broker asks whether a transaction is open before it appends to it (KIP-890). */
const VERIFICATION = 'transaction.partition.verification.enable';

/**
 * Every broker must speak what this program speaks, whoever of them is asked first. One that does not answer is not
 * judged: it is as good as one that has not started yet, and its first request would say the same.
 * @throws {TidemarkError} TM2009 with reaction `usage`
 */
export async function checkApiVersions({ port }: ClientContext): Promise<void> {
  const { brokers } = await port.metadata([]);
  if (!isNegotiating(port)) return;
  const answers = await Promise.all(
    brokers.map(async (broker) => {
      const missing = await port.missingApis(broker.nodeId).catch((error: unknown) => {
        if (error instanceof KafkaRequestError) return [];
        throw error;
      });
      return { where: placeOf(broker), missing };
    }),
  );
  for (const { where, missing } of answers) {
    const [first] = missing;
    if (first === undefined) continue;
    const others = missing.length === 1 ? '' : `, and so with ${missing.length - 1} other APIs`;
    throw tooOld(`${first}${others}`, where);
  }
}

/**
 * What the brokers must be for exactly-once (PROTOCOL G), asked once at start. What would break the guarantee is
 * refused with the reason; a single broker without replication is allowed for development, and said.
 */
export async function checkBrokers(
  client: ClientContext,
  config: ResolvedConfig,
  logger: Logger,
): Promise<void> {
  const { brokers } = await client.port.metadata([]);
  const first = brokers[0];
  if (first === undefined) throw new TidemarkError('TM2001', 'usage', 'the cluster names no broker');
  const [answer] = await client.port.describeConfigs([{ type: 'broker', name: String(first.nodeId) }]);
  if (answer === undefined || answer.errorCode !== 0) {
    logger.warn('broker settings cannot be read; replication and time-outs are not checked', {
      hint: 'grant DescribeConfigs on the cluster',
    });
    return;
  }
  checkVerification(answer, first);
  const setting = (name: string): number => Number(answer.configs.get(name) ?? NaN);
  const maxTimeout = setting('transaction.max.timeout.ms');
  if (config.kafka.transactionTimeoutMs > maxTimeout) {
    throw refusal(
      `kafka.transaction-timeout is ${config.kafka.transactionTimeoutMs} ms, the brokers grant ${maxTimeout}`,
      {
        where: 'transaction.max.timeout.ms',
        hint: 'lower kafka.transaction-timeout or raise the setting of the brokers',
      },
    );
  }
  if (answer.configs.get('unclean.leader.election.enable') === 'true') {
    throw refusal('the brokers elect unclean leaders: committed records may vanish', {
      where: 'unclean.leader.election.enable',
      hint: 'set it to false',
    });
  }
  if (brokers.length === 1) {
    logger.info('single broker: for development; nothing survives the loss of its disk');
    return;
  }
  for (const name of ['transaction.state.log.replication.factor', 'offsets.topic.replication.factor']) {
    if (setting(name) >= 2) continue;
    throw refusal(`${name} is ${setting(name)} in a cluster of ${brokers.length} brokers`, {
      where: name,
      hint: 'one lost disk would lose commits: raise the replication of that internal topic to 3',
    });
  }
}

/** Brokers that do not verify could append a late batch to no transaction, and block its readers for ever. */
function checkVerification({ configs }: ConfigResult, broker: Broker): void {
  const value = configs.get(VERIFICATION);
  if (value === 'false') {
    throw refusal('the brokers do not verify that a transaction is open before they append to it', {
      where: VERIFICATION,
      hint: 'set it to true',
    });
  }
  // Services that show only some settings show neither of the two.
  if (value !== undefined || !configs.has('transaction.max.timeout.ms')) return;
  throw tooOld(`the broker does not know the setting ${VERIFICATION}`, placeOf(broker));
}

function tooOld(what: string, where: string): TidemarkError {
  return new TidemarkError('TM2009', 'usage', what, { where, hint: 'use brokers of Kafka 3.6 or later' });
}

function placeOf({ nodeId, host, port }: Broker): string {
  return `broker ${nodeId} at ${host}:${port}`;
}

function refusal(what: string, details: { where: string; hint: string }): TidemarkError {
  return new TidemarkError('TM2005', 'usage', what, details);
}
