import type { ResolvedConfig } from '../config/resolved-config';
import { TidemarkError } from '../errors';
import type { ClientContext } from '../kafka/client/client-context';
import type { Logger } from '../util/logger';

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

function refusal(what: string, details: { where: string; hint: string }): TidemarkError {
  return new TidemarkError('TM2005', 'usage', what, details);
}
