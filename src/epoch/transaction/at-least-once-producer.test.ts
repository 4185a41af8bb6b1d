import { MetadataCache } from '../../kafka/client/metadata-cache';
import { AtLeastOnceProducer } from './at-least-once-producer';
import type { ProduceRequest, TxnOffset } from '../../kafka/port';
import {
  batches,
  epochPayload,
  GROUP,
  setUpProducer,
  type Outcome,
  type TxnApi,
} from './testing/producer-harness';

const COORDINATOR_LOAD_IN_PROGRESS = 14;
const CLUSTER_AUTHORIZATION_FAILED = 31;

function setUp(slow: readonly TxnApi[] = []) {
  const { port, platform, drive, plan, sent, events, faults } = setUpProducer({ slow });
  const producer = new AtLeastOnceProducer({
    port,
    metadata: new MetadataCache(port, platform),
    platform,
    transactionalId: 'app-i-0',
    transactionTimeoutMs: 60_000,
    fault: (point) => faults.push(point),
  });
  return { producer, drive, plan, sent, events, faults };
}

async function fenced(slow?: readonly TxnApi[]) {
  const setup = setUp(slow);
  await setup.drive(setup.producer.fence());
  setup.events.length = 0;
  setup.faults.length = 0;
  return setup;
}

/** Everything on the wire, in order: `produce out-0 sent`. */
function wire({ events }: Pick<ReturnType<typeof setUp>, 'events'>): string[] {
  return events.flatMap(({ api, what, args }) => {
    if (api !== 'produce') return [`${api} ${what}`];
    const { partitions } = args[1] as ProduceRequest;
    return partitions.map(({ topic, partition }) => `produce ${topic}-${partition} ${what}`);
  });
}

describe('a new producer id', () => {
  it('is asked for again while the broker is starting or does not answer', async () => {
    const { producer, drive, plan, sent } = setUp();
    plan('initProducerId', COORDINATOR_LOAD_IN_PROGRESS, 'unsent', 'lost', COORDINATOR_LOAD_IN_PROGRESS);
    const identity = await drive(producer.fence());
    expect(producer.current).toEqual(identity);
    expect(sent('initProducerId')).toHaveLength(5);
  });

  it('belongs to nobody else: it is asked for without a name and without the id of before', async () => {
    const { producer, drive, sent, faults } = setUp();
    const first = await drive(producer.fence());
    const second = await drive(producer.fence());
    expect(second).not.toEqual(first);
    const asked = { transactionalId: null, current: null };
    expect(sent('initProducerId').map(({ args }) => args[0])).toEqual([
      expect.objectContaining(asked),
      expect.objectContaining(asked),
    ]);
    expect(faults).toEqual(['fence.done', 'fence.done']);
  });

  it('is not asked for again when the broker refuses it', async () => {
    const { producer, drive, plan, sent } = setUp();
    plan('initProducerId', CLUSTER_AUTHORIZATION_FAILED);
    await expect(drive(producer.fence())).rejects.toMatchObject({ code: 'TM2008' });
    expect(sent('initProducerId')).toHaveLength(1);
  });
});

describe('D9: the order of a commit without transactions', () => {
  it('sends a commit record when every output is acknowledged, and the offsets behind it', async () => {
    const setup = await fenced(['produce']);
    await setup.drive(setup.producer.commit(epochPayload()));
    const seen = wire(setup);
    // The two outputs lie on two brokers and may go side by side.
    expect(seen.slice(0, 4).sort()).toEqual([
      'produce out-0 answered',
      'produce out-0 sent',
      'produce out-1 answered',
      'produce out-1 sent',
    ]);
    expect(seen.slice(4)).toEqual([
      'produce changelog-0 sent',
      'produce changelog-0 answered',
      'offsetCommit sent',
      'offsetCommit answered',
    ]);
    expect(setup.faults.filter((point) => !point.includes('first'))).toEqual([
      'produce.all-acked',
      'txn.end-answered',
      'txn.offsets-committed',
    ]);
  });

  it('sends an epoch without output as its commit record and its offsets', async () => {
    const setup = await fenced();
    await setup.drive(setup.producer.commit(epochPayload({ partitions: [batches('changelog', 0)] })));
    expect(wire(setup).filter((line) => line.endsWith('sent'))).toEqual([
      'produce changelog-0 sent',
      'offsetCommit sent',
    ]);
  });

  it('says where the commit record landed, and when by the clock of the broker', async () => {
    const { producer, drive } = await fenced();
    const { landings } = await drive(producer.commit(epochPayload()));
    expect(landings.get('changelog-0')).toEqual({ nextOffset: 101, appendTime: 5000, leaderEpoch: 0 });
  });

  it('takes no part in a transaction, and counts on in the sequences of its producer id', async () => {
    const { producer, drive, sent } = await fenced();
    for (let epoch = 0; epoch < 2; epoch++) await drive(producer.commit(epochPayload()));
    expect(sent('addPartitionsToTxn')).toEqual([]);
    expect(sent('endTxn')).toEqual([]);
    const requests = sent('produce').map(({ args }) => args[1] as ProduceRequest);
    for (const { transactionalId, acks, partitions } of requests) {
      expect({ transactionalId, acks }).toEqual({ transactionalId: null, acks: -1 });
      const TRANSACTIONAL = 0x10;
      for (const { batch } of partitions) expect(batch.readInt16BE(21) & TRANSACTIONAL).toBe(0);
    }
    const changelog = requests.flatMap(({ partitions }) =>
      partitions.filter(({ topic }) => topic === 'changelog').map(({ batch }) => batch.readInt32BE(53)),
    );
    expect(changelog).toEqual([0, 1]);
  });

  it('commits every offset under the generation and member id that came with the epoch', async () => {
    const { producer, drive, sent } = await fenced();
    const offsets: TxnOffset[] = [0, 1].map((partition) => ({
      topic: 'in',
      partition,
      offset: 42n,
      leaderEpoch: -1,
      metadata: null,
    }));
    await drive(producer.commit(epochPayload({ offsets })));
    expect(sent('offsetCommit').map(({ args }) => args)).toEqual([[GROUP, offsets]]);
  });
});

describe('D9: what is not a clean answer ends the epoch', () => {
  const failureOf = (setup: Awaited<ReturnType<typeof fenced>>, over = {}): Promise<unknown> =>
    setup.drive(setup.producer.commit(epochPayload(over))).then(
      () => null,
      (error: unknown) => error,
    );

  it.each<[string, Outcome, string]>([
    ['is lost', 'lost', 'TM5004'],
    ['does not come, because nothing was sent', 'unsent', 'TM5004'],
    ['is 7', 7, 'TM5002'],
    ['is 47', 47, 'TM5001'],
  ])('the answer for an output %s: no commit record is sent, and no offset', async (_, outcome, code) => {
    const setup = await fenced();
    setup.plan('produce', outcome);
    expect(await failureOf(setup)).toMatchObject({ code, reaction: 'abort-epoch' });
    expect(wire(setup).filter((line) => line.includes('changelog') || line.includes('offset'))).toEqual([]);
    expect(setup.faults).not.toContain('produce.all-acked');
  });

  it.each<[string, Outcome, string]>([
    ['is lost', 'lost', 'TM5004'],
    ['is 6', 6, 'TM5002'],
    ['is 90', 90, 'TM5001'],
  ])('the answer for a commit record %s: no offset is committed', async (_, outcome, code) => {
    const setup = await fenced();
    setup.plan('produce', 0, 0, outcome);
    expect(await failureOf(setup)).toMatchObject({ code, reaction: 'abort-epoch' });
    expect(setup.sent('produce')).toHaveLength(3);
    expect(setup.sent('offsetCommit')).toEqual([]);
  });

  it.each<[Outcome, string, string]>([
    ['lost', 'TM5004', 'abort-epoch'],
    ['unsent', 'TM5004', 'abort-epoch'],
    [14, 'TM5002', 'abort-epoch'],
    [27, 'TM5002', 'abort-epoch'],
    [22, 'TM5005', 'rejoin'],
    [25, 'TM5005', 'rejoin'],
    [82, 'TM1012', 'stop'],
  ])('OffsetCommit answered with %s: %s, and it is sent once', async (outcome, code, reaction) => {
    const setup = await fenced();
    setup.plan('offsetCommit', outcome);
    expect(await failureOf(setup)).toMatchObject({ code, reaction });
    expect(setup.sent('offsetCommit')).toHaveLength(1);
  });

  it('OffsetCommit of which the second partition alone is refused', async () => {
    const setup = await fenced();
    setup.plan('offsetCommit', [0, 22]);
    const offset = { topic: 'in', offset: 42n, leaderEpoch: -1, metadata: null };
    const offsets = [
      { ...offset, partition: 0 },
      { ...offset, partition: 1 },
    ];
    expect(await failureOf(setup, { offsets })).toMatchObject({ code: 'TM5005' });
  });

  it('a new identity begins new sequences: what was in doubt is not continued', async () => {
    const setup = await fenced();
    const before = setup.producer.current;
    await setup.drive(setup.producer.commit(epochPayload()));
    setup.plan('produce', 'lost');
    await failureOf(setup);
    await setup.drive(setup.producer.fence());
    expect(setup.producer.current).not.toEqual(before);
    setup.events.length = 0;
    await setup.drive(setup.producer.commit(epochPayload()));
    for (const { args } of setup.sent('produce')) {
      for (const { batch } of (args[1] as ProduceRequest).partitions) {
        expect(batch.readInt16BE(51)).toBe(setup.producer.current!.producerEpoch);
        expect(batch.readInt32BE(53)).toBe(0);
      }
    }
  });
});
