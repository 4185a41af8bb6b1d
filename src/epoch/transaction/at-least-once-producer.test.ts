import { MetadataCache } from '../../kafka/client/metadata-cache';
import { AtLeastOnceProducer } from './at-least-once-producer';
import { setUpProducer } from './testing/producer-harness';

const COORDINATOR_LOAD_IN_PROGRESS = 14;
const CLUSTER_AUTHORIZATION_FAILED = 31;

function setUp() {
  const { port, platform, drive, plan, sent, faults } = setUpProducer();
  const producer = new AtLeastOnceProducer({
    port,
    metadata: new MetadataCache(port, platform),
    platform,
    transactionalId: 'app-i-0',
    transactionTimeoutMs: 60_000,
    fault: (point) => faults.push(point),
  });
  return { producer, drive, plan, sent };
}

describe('a new producer id', () => {
  it('is asked for again while the broker is starting or does not answer', async () => {
    const { producer, drive, plan, sent } = setUp();
    plan('initProducerId', COORDINATOR_LOAD_IN_PROGRESS, 'unsent', 'lost', COORDINATOR_LOAD_IN_PROGRESS);
    const identity = await drive(producer.fence());
    expect(producer.current).toEqual(identity);
    expect(sent('initProducerId')).toHaveLength(5);
  });

  it('is not asked for again when the broker refuses it', async () => {
    const { producer, drive, plan, sent } = setUp();
    plan('initProducerId', CLUSTER_AUTHORIZATION_FAILED);
    await expect(drive(producer.fence())).rejects.toMatchObject({ code: 'TM2008' });
    expect(sent('initProducerId')).toHaveLength(1);
  });
});
