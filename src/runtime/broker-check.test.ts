import { isTidemarkError, type TidemarkError } from '../errors';
import { MetadataCache } from '../kafka/client/metadata-cache';
import { FakeKafkaPort } from '../kafka/client/testing/fake-port';
import type { ConfigResult } from '../kafka/port';
import { PRODUCE } from '../kafka/protocol/produce';
import { JOIN_GROUP } from '../kafka/protocol/membership';
import { METADATA } from '../kafka/protocol/metadata';
import { createKafkaPort } from '../kafka/transport/real-kafka-port';
import { ENOUGH, FakeBroker, type Offer } from '../kafka/transport/testing/fake-broker';
import type { ResolvedConfig } from '../config/resolved-config';
import { silentLogger } from '../util/logger';
import { systemPlatform } from '../util/system';
import { checkApiVersions, checkBrokers } from './broker-check';

async function refusalOf(check: Promise<void>): Promise<TidemarkError | null> {
  try {
    await check;
    return null;
  } catch (error) {
    if (isTidemarkError(error)) return error;
    throw error;
  }
}

describe('the API versions of every broker', () => {
  async function verdict(offered: Offer, prepare?: (broker: FakeBroker) => void): Promise<string> {
    const broker = await new FakeBroker().listen();
    broker.offered = offered;
    prepare?.(broker);
    const port = createKafkaPort({ brokers: [broker.address], clientId: 'c' }, systemPlatform);
    const metadata = new MetadataCache(port, systemPlatform);
    try {
      const refusal = await refusalOf(checkApiVersions({ port, metadata, platform: systemPlatform }));
      if (refusal === null) return 'accepted';
      expect(refusal.reaction).toBe('usage');
      return refusal.describe().replace(broker.address, 'ADDRESS');
    } finally {
      metadata.close();
      await port.close();
      await broker.stop();
    }
  }
  const without = (...keys: number[]): Offer =>
    Object.fromEntries(Object.entries(ENOUGH).filter(([key]) => !keys.includes(Number(key))));

  it('suffice when they meet ours, also when they reach further', async () => {
    expect(await verdict(ENOUGH)).toBe('accepted');
    expect(await verdict({ ...ENOUGH, [PRODUCE.key]: [0, 99] })).toBe('accepted');
  });

  it('are refused in one sentence that names the API, the broker and what to do', async () => {
    expect(await verdict({ ...ENOUGH, [JOIN_GROUP.key]: [0, 7] })).toBe(
      'TM2009 JoinGroup is needed in version 9, the broker offers 0 to 7 (broker 1 at ADDRESS): use brokers of Kafka 3.6 or later',
    );
    expect(await verdict(without(JOIN_GROUP.key))).toContain(
      'JoinGroup is needed in version 9, the broker offers none (broker 1 at ADDRESS)',
    );
    expect(await verdict({ ...ENOUGH, [PRODUCE.key]: [13, 14] })).toContain(
      'Produce is needed in version 7 to 12, the broker offers 13 to 14',
    );
  });

  it('that are missing are counted', async () => {
    expect(await verdict(without(JOIN_GROUP.key, 14, 15))).toContain(', and so with 2 other APIs (broker 1');
  });

  it('are refused when not even the cluster can be asked for', async () => {
    expect(await verdict({ ...ENOUGH, [METADATA.key]: [0, 9] })).toBe(
      'TM2009 Metadata is needed in version 12, the broker offers 0 to 9 (ADDRESS): use brokers of Kafka 3.6 or later',
    );
  });

  it('are not judged when the broker goes away', async () => {
    let asked = 0;
    const gone = await verdict(ENOUGH, (broker) => {
      const answer = broker.handlers.get(18)!;
      broker.handlers.set(18, (request) => (++asked > 2 ? request.socket.destroy() : answer(request)));
    });
    expect(gone).toBe('accepted');
    expect(asked).toBeGreaterThan(2);
  });
});

describe('the verification of transactions', () => {
  const SETTINGS = {
    'transaction.max.timeout.ms': '900000',
    'transaction.partition.verification.enable': 'true',
    'unclean.leader.election.enable': 'false',
  };

  async function verdict(settings: Readonly<Record<string, string>>): Promise<string> {
    const kafka = new FakeKafkaPort(systemPlatform);
    const answer: ConfigResult = {
      ...{ type: 'broker', name: '1', errorCode: 0 },
      configs: new Map(Object.entries(settings)),
    };
    kafka.script('describeConfigs', () => [answer]);
    const config = { kafka: { transactionTimeoutMs: 1000 } } as ResolvedConfig;
    const { port } = kafka;
    const metadata = new MetadataCache(port, systemPlatform);
    const refusal = await refusalOf(
      checkBrokers({ port, metadata, platform: systemPlatform }, config, silentLogger),
    );
    metadata.close();
    return refusal === null ? 'accepted' : `${refusal.describe()}, ${refusal.reaction}`;
  }

  it('must be switched on', async () => {
    expect(await verdict(SETTINGS)).toBe('accepted');
    expect(await verdict({ ...SETTINGS, 'transaction.partition.verification.enable': 'false' })).toBe(
      'TM2005 the brokers do not verify that a transaction is open before they append to it (transaction.partition.verification.enable): set it to true, usage',
    );
  });

  it('is what tells brokers before Kafka 3.6, unless a service hides its settings', async () => {
    const { 'transaction.max.timeout.ms': shown } = SETTINGS;
    expect(await verdict({ 'transaction.max.timeout.ms': shown })).toBe(
      'TM2009 the broker does not know the setting transaction.partition.verification.enable (broker 1 at localhost:9092): use brokers of Kafka 3.6 or later, usage',
    );
    expect(await verdict({ 'unclean.leader.election.enable': 'false' })).toBe('accepted');
  });
});
