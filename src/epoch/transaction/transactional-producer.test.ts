import { isTidemarkError } from '../../errors';
import { MetadataCache } from '../../kafka/client/metadata-cache';
import {
  KafkaRequestError,
  type KafkaPort,
  type GroupIdentity,
  type InitProducerIdRequest,
  type ProduceRequest,
  type TopicPartition,
  type TransactionVersion,
  type TxnIdentity,
} from '../../kafka/port';
import {
  batches,
  epochPayload,
  GROUP,
  setUpProducer,
  type Outcome,
  type TxnApi,
  type WireEvent,
} from './testing/producer-harness';
import { TransactionalProducer } from './transactional-producer';

type Setup = ReturnType<typeof setUpProducer>;

jest.setTimeout(30_000); // a minute of virtual time in steps takes seconds on a busy machine

const VERSIONS = [1, 2] as const;

async function fenced(options: Parameters<typeof setUpProducer>[0] = {}): Promise<Setup> {
  const setup = setUpProducer(options);
  await setup.drive(setup.producer.fence('takeover'));
  setup.events.length = 0;
  return setup;
}

const commit = ({ drive, producer }: Setup, over = {}) => drive(producer.commit(epochPayload(over)));

async function failureOf(action: Promise<unknown>): Promise<string> {
  try {
    await action;
  } catch (error) {
    if (isTidemarkError(error)) return `${error.code} ${error.reaction}`;
    throw error;
  }
  return 'none';
}

const keys = (partitions: readonly TopicPartition[]) => partitions.map((p) => `${p.topic}-${p.partition}`);

/** Produce requests that were sent before their partitions were answered clean in the same transaction. */
function ungated(events: readonly WireEvent[]): string[] {
  let added = new Set<string>();
  const early: string[] = [];
  for (const { api, what, args, outcome } of events) {
    if (api === 'addPartitionsToTxn' && what === 'answered' && outcome === 0)
      for (const key of keys(args[1] as TopicPartition[])) added.add(key);
    if (api === 'produce' && what === 'sent')
      early.push(...keys((args[1] as ProduceRequest).partitions).filter((key) => !added.has(key)));
    if (api === 'endTxn' && what === 'sent') added = new Set();
  }
  return early;
}

/** True when every event that `first` picks lies before every event that `then` picks. */
function strictlyBefore(events: readonly WireEvent[], first: string, then: string): boolean {
  const at = (spec: string) => events.flatMap(({ api, what }, i) => (`${api} ${what}` === spec ? [i] : []));
  return at(first).length > 0 && at(then).length > 0 && at(first).at(-1)! < at(then)[0]!;
}

describe('A1, version 1: no Produce before AddPartitionsToTxn was answered clean for this transaction', () => {
  it('in the first epoch', async () => {
    const setup = await fenced({ slow: ['addPartitionsToTxn'] });
    await commit(setup);
    expect(setup.sent('produce').length).toBeGreaterThan(0);
    expect(ungated(setup.events)).toEqual([]);
  });

  it('in later epochs with the same partitions: "already added" is never remembered', async () => {
    const setup = await fenced({ slow: ['addPartitionsToTxn'] });
    for (let epoch = 0; epoch < 3; epoch++) await commit(setup);
    expect(setup.sent('addPartitionsToTxn').map(({ args }) => keys(args[1] as TopicPartition[]))).toEqual(
      Array.from({ length: 3 }, () => ['out-0', 'out-1', 'changelog-0']),
    );
    expect(ungated(setup.events)).toEqual([]);
  });

  it('waits while the coordinator still writes the last markers (51), and repeats nothing else', async () => {
    const setup = await fenced();
    setup.plan('addPartitionsToTxn', 51, 51, 14, 15, 16);
    await commit(setup);
    expect(setup.sent('addPartitionsToTxn')).toHaveLength(6);
    expect(ungated(setup.events)).toEqual([]);
    expect(setup.sent('endTxn')).toHaveLength(1);
  });

  it('gives up with the transaction time-out: a coordinator that is stuck must not hold the epoch for ever', async () => {
    const setup = await fenced();
    setup.plan('addPartitionsToTxn', ...Array.from({ length: 5000 }, () => 51));
    expect(await failureOf(commit(setup))).toBe('TM5002 abort-epoch');
    expect(setup.platform.clock.monotonic()).toBeLessThan(62_000);
    expect(setup.sent('produce')).toHaveLength(0);
  });

  it('does not take OPERATION_NOT_ATTEMPTED (55) for added', async () => {
    const setup = await fenced();
    setup.plan('addPartitionsToTxn', 55);
    expect(await failureOf(commit(setup))).toBe('TM5002 abort-epoch');
    expect(setup.sent('produce')).toHaveLength(0);
  });

  it.each([20, 45, 51])(
    'takes error %d of a Produce for the end of the epoch, and sends no batch twice',
    async (code) => {
      const setup = await fenced();
      setup.plan('produce', code);
      expect(await failureOf(commit(setup))).toBe('TM5002 abort-epoch');
      const sentTo = setup
        .sent('produce')
        .flatMap(({ args }) => keys((args[1] as ProduceRequest).partitions));
      expect(new Set(sentTo).size).toBe(sentTo.length);
    },
  );
});

describe('A1, version 2: every transaction has a producer epoch of its own', () => {
  const epochsOf = (setup: Setup): number[] =>
    setup
      .sent('produce')
      .flatMap(({ args }) =>
        (args[1] as ProduceRequest).partitions.map(({ batch }) => batch.readInt16BE(51)),
      );
  const BASE_SEQUENCE = 53;

  it('adds nothing itself, says version 2 in every request, and goes on with the identity of the answer', async () => {
    const setup = await fenced({ version: 2 });
    for (let epoch = 0; epoch < 3; epoch++) await commit(setup);
    expect(new Set(setup.sent().map(({ api }) => api))).toEqual(
      new Set(['produce', 'txnOffsetCommit', 'endTxn']),
    );
    expect([...new Set(epochsOf(setup))]).toEqual([0, 1, 2]);
    for (const api of ['txnOffsetCommit', 'endTxn'] as const) {
      const identities = setup.sent(api).map(({ args }) => args[0] as TxnIdentity);
      expect(identities.map(({ producerEpoch }) => producerEpoch)).toEqual([0, 1, 2]);
      expect(identities.map(({ transactionVersion }) => transactionVersion)).toEqual([2, 2, 2]);
    }
    for (const { args } of setup.sent('produce')) {
      expect((args[1] as ProduceRequest).transactionVersion).toBe(2);
      for (const { batch } of (args[1] as ProduceRequest).partitions)
        expect(batch.readInt32BE(BASE_SEQUENCE)).toBe(0);
    }
    expect(setup.producer.current).toEqual({ producerId: 7n, producerEpoch: 3 });
    expect(setup.faults).not.toContain('txn.partitions-added');
  });

  it('is in doubt when the clean answer to EndTxn names no next identity', async () => {
    const setup = await fenced({ version: 2 });
    const end: KafkaPort['endTxn'] = (...args) => setup.port.endTxn(...args);
    const nameless = {
      ...setup,
      producer: producerOn(setup, {
        endTxn: async (...args) => ({ errorCode: (await end(...args)).errorCode }),
      }),
    };
    await setup.drive(nameless.producer.fence('takeover'));
    expect(await failureOf(commit(nameless))).toBe('TM5004 abort-epoch');
  });

  it('sends a batch again that waits for the markers of the last transaction (51), and nothing else', async () => {
    const setup = await fenced({ version: 2 });
    setup.plan('produce', 51, 0, 51, 51);
    await commit(setup);
    const sent = setup.sent('produce').flatMap(({ args }) => keys((args[1] as ProduceRequest).partitions));
    expect(sent.filter((key) => key === 'out-0').length).toBeGreaterThan(1);
    expect(setup.sent('endTxn')).toHaveLength(1);
    expect(new Set(epochsOf(setup))).toEqual(new Set([0]));
  });

  it('sends no second batch of a partition before the first one is in', async () => {
    const setup = await fenced({ version: 2, slow: ['produce'] });
    setup.plan('produce', 51, 51, 51, 51, 51);
    await commit(setup, { partitions: [batches('out', 0, 8), batches('changelog', 0, 3)] });
    const sequences = setup
      .sent('produce')
      .flatMap(({ args }) => (args[1] as ProduceRequest).partitions)
      .filter(({ topic }) => topic === 'out')
      .map(({ batch }) => batch.readInt32BE(BASE_SEQUENCE));
    expect(sequences).toEqual([0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('takes 51 at a later batch, and any other code at the first, for the end of the epoch', async () => {
    const later = await fenced({ version: 2 });
    later.plan('produce', 0, 51);
    expect(await failureOf(commit(later, { partitions: [batches('out', 0, 2)] }))).toBe('TM5002 abort-epoch');
    for (const code of [6, 19, 20, 45, 48, 120]) {
      const first = await fenced({ version: 2 });
      first.plan('produce', code);
      expect(await failureOf(commit(first))).toBe('TM5002 abort-epoch');
      expect(first.sent('endTxn')).toHaveLength(0);
    }
  });

  it('gives up with the transaction time-out', async () => {
    const setup = await fenced({ version: 2 });
    setup.plan('produce', ...Array.from({ length: 9000 }, () => 51));
    expect(await failureOf(commit(setup))).toBe('TM5002 abort-epoch');
    expect(setup.platform.clock.monotonic()).toBeLessThan(62_000);
  });
});

describe('A1: one producer never mixes the versions', () => {
  const used = (setup: Setup): (TransactionVersion | undefined)[] =>
    setup.sent('endTxn').map(({ args }) => (args[0] as TxnIdentity).transactionVersion);

  it('a cluster that is upgraded while it runs gets version 1 until the next fence', async () => {
    const setup = await fenced({ version: 1 });
    await commit(setup);
    setup.offer(2);
    await commit(setup);
    expect(used(setup)).toEqual([1, 1]);
    expect(setup.sent('addPartitionsToTxn')).toHaveLength(2);
    await setup.drive(setup.producer.fence('own'));
    setup.events.length = 0;
    await commit(setup);
    expect(used(setup)).toEqual([2]);
    expect(setup.sent('addPartitionsToTxn')).toHaveLength(0);
  });

  it('and one that is downgraded gets version 2 until then', async () => {
    const setup = await fenced({ version: 2 });
    setup.offer(1);
    await commit(setup);
    expect(used(setup)).toEqual([2]);
    await setup.drive(setup.producer.fence('own'));
    setup.events.length = 0;
    await commit(setup);
    expect(used(setup)).toEqual([1]);
    expect(setup.sent('addPartitionsToTxn')).toHaveLength(1);
  });

  it('asks for the version again when the question is lost, and then fences', async () => {
    const setup = setUpProducer({ version: 2 });
    let lost = 2;
    const producer = producerOn(setup, {
      transactionVersion: () =>
        lost-- > 0
          ? Promise.reject(new KafkaRequestError('ApiVersions', 'lost', false))
          : setup.port.transactionVersion(),
    });
    await setup.drive(producer.fence('takeover'));
    expect(setup.sent('initProducerId')).toHaveLength(1);
    await setup.drive(producer.commit(epochPayload()));
    expect(used(setup)).toEqual([2]);
  });
});

/** A producer like the one of `setup`, with some requests answered otherwise. */
function producerOn({ port, platform }: Setup, replaced: Partial<KafkaPort>): TransactionalProducer {
  const changed = new Proxy(port, {
    get: (target, name: keyof KafkaPort) => replaced[name] ?? (Reflect.get(target, name) as unknown),
  });
  return new TransactionalProducer({
    port: changed,
    metadata: new MetadataCache(port, platform),
    platform,
    transactionalId: 'app-i-0',
    transactionTimeoutMs: 60_000,
    fault: () => undefined,
  });
}

describe.each(VERSIONS)('A2: the order of a commit in version %d', (version) => {
  it('sends TxnOffsetCommit after the last Produce answer and AddOffsetsToTxn, EndTxn after its clean answer', async () => {
    const setup = await fenced({ version, slow: ['produce', 'addOffsetsToTxn', 'txnOffsetCommit'] });
    await commit(setup, {
      partitions: [batches('out', 0, 6), batches('out', 1, 3), batches('changelog', 0)],
    });
    expect(strictlyBefore(setup.events, 'produce answered', 'txnOffsetCommit sent')).toBe(true);
    if (version === 1)
      expect(strictlyBefore(setup.events, 'addOffsetsToTxn answered', 'txnOffsetCommit sent')).toBe(true);
    expect(strictlyBefore(setup.events, 'txnOffsetCommit answered', 'endTxn sent')).toBe(true);
  });

  it('uses the generation and member id that came with the epoch, never -1', async () => {
    const setup = await fenced({ version });
    await commit(setup);
    await commit(setup, { group: { ...GROUP, generationId: 4 } });
    const groups = setup.sent('txnOffsetCommit').map(({ args }) => args[1] as GroupIdentity);
    expect(groups).toEqual([GROUP, { ...GROUP, generationId: 4 }]);
  });

  it('sends TxnOffsetCommit also when no offset moved', async () => {
    const setup = await fenced({ version });
    await commit(setup, { offsets: [] });
    expect(setup.sent('addOffsetsToTxn')).toHaveLength(version === 1 ? 1 : 0);
    expect(setup.sent('txnOffsetCommit').map(({ args }) => args[1])).toEqual([GROUP]);
  });

  it('ends nothing when one partition of TxnOffsetCommit is not clean', async () => {
    const setup = await fenced({ version });
    setup.plan('txnOffsetCommit', 22);
    expect(await failureOf(commit(setup))).toBe('TM5005 rejoin');
    expect(setup.sent('endTxn')).toHaveLength(0);
  });

  it('repeats TxnOffsetCommit inside the transaction while the coordinator moves or rebalances', async () => {
    const setup = await fenced({ version });
    setup.plan('txnOffsetCommit', 14, 27, 16);
    await commit(setup);
    expect(setup.sent('txnOffsetCommit')).toHaveLength(4);
    expect(setup.sent('addPartitionsToTxn')).toHaveLength(version === 1 ? 1 : 0);
    expect(setup.sent('endTxn')).toHaveLength(1);
  });
});

describe.each(VERSIONS)('A4: what is not a clean first answer ends the epoch, version %d', (version) => {
  const ONLY_1: readonly TxnApi[] = ['addPartitionsToTxn', 'addOffsetsToTxn'];
  const STEPS = (
    ['addPartitionsToTxn', 'produce', 'addOffsetsToTxn', 'txnOffsetCommit', 'endTxn'] as const
  ).filter((api) => version === 1 || !ONLY_1.includes(api));
  const AFTER: Readonly<Record<string, readonly TxnApi[]>> = {
    addPartitionsToTxn: ['produce', 'addOffsetsToTxn', 'txnOffsetCommit', 'endTxn'],
    produce: ['txnOffsetCommit', 'endTxn'],
    addOffsetsToTxn: ['txnOffsetCommit', 'endTxn'],
    txnOffsetCommit: ['endTxn'],
    endTxn: [],
  };
  const REACTIONS: readonly (readonly [Outcome, string])[] = [
    ['lost', 'TM5004 abort-epoch'],
    ['unsent', 'TM5004 abort-epoch'],
    [7, 'TM5002 abort-epoch'],
    [-1, 'TM5002 abort-epoch'],
    [48, 'TM5002 abort-epoch'],
    [47, 'TM5001 abort-epoch'],
    [90, 'TM5001 abort-epoch'],
    [49, 'TM5001 abort-epoch'],
    [22, 'TM5005 rejoin'],
    [25, 'TM5005 rejoin'],
    [82, 'TM1012 stop'],
    [53, 'TM2008 stop'],
  ];
  const table = STEPS.flatMap((api) => REACTIONS.map(([outcome, want]) => [api, outcome, want] as const));

  it.each(table)('%s answered with %s: %s, nothing of a later step is sent', async (api, outcome, want) => {
    const setup = await fenced({ version });
    setup.plan(api, outcome);
    expect(await failureOf(commit(setup))).toBe(want);
    for (const later of AFTER[api]!) expect(setup.sent(later)).toHaveLength(0);
    expect(setup.sent('endTxn').length).toBeLessThanOrEqual(1);
    const sent = setup.events.length;
    await setup.platform.advance(120_000);
    expect(setup.events).toHaveLength(sent);
  });

  it.each<Outcome>(['lost', 14, 15, 16, 51])('EndTxn is sent once, also after %s', async (outcome) => {
    const setup = await fenced({ version });
    setup.plan('endTxn', outcome);
    expect(await failureOf(commit(setup))).not.toBe('none');
    expect(setup.sent('endTxn')).toHaveLength(1);
    expect(setup.sent('endTxn')[0]!.args[1]).toBe(true);
  });

  it.each(STEPS)('after a failure of %s nothing can be committed before fence()', async (api) => {
    const setup = await fenced({ version });
    setup.plan(api, 'lost');
    await failureOf(commit(setup));
    const sent = setup.events.length;
    await expect(commit(setup)).rejects.toThrow(/commit step failed -> (adding-partitions|producing)/);
    expect(setup.events).toHaveLength(sent);
    await setup.drive(setup.producer.fence('own'));
    await commit(setup);
  });

  it('fences with its own identity and begins new sequences under the new epoch', async () => {
    const setup = await fenced({ version });
    await commit(setup);
    setup.plan('endTxn', 'lost');
    await failureOf(commit(setup));
    const before = setup.producer.current;
    await setup.drive(setup.producer.fence('own'));
    expect((setup.sent('initProducerId')[0]!.args[0] as InitProducerIdRequest).current).toEqual(before);
    expect(setup.producer.current!.producerEpoch).toBe(before!.producerEpoch + 1);
    setup.events.length = 0;
    await commit(setup);
    for (const { args } of setup.sent('produce')) {
      for (const { batch } of (args[1] as ProduceRequest).partitions) {
        expect(batch.readInt16BE(51)).toBe(before!.producerEpoch + 1);
        expect(batch.readInt32BE(53)).toBe(0);
      }
    }
  });

  it('repeats a lost InitProducerId with the same identity, and reports being fenced', async () => {
    const setup = await fenced({ version });
    setup.plan('initProducerId', 'lost', 51, 14, 0);
    await setup.drive(setup.producer.fence('own'));
    const asked = setup.sent('initProducerId').map(({ args }) => (args[0] as InitProducerIdRequest).current);
    expect(asked).toHaveLength(4);
    expect(new Set(asked).size).toBe(1);
    setup.plan('initProducerId', 47);
    expect(await failureOf(setup.drive(setup.producer.fence('own')))).toBe('TM5001 abort-epoch');
  });

  it('says nothing of the outcome: only a clean answer to EndTxn makes a receipt', async () => {
    const setup = await fenced({ version });
    const receipt = await commit(setup);
    expect(receipt.landings.get('changelog-0')).toEqual({
      nextOffset: 101,
      appendTime: 5000,
      leaderEpoch: 0,
    });
    expect(setup.faults.slice(-3)).toEqual(['txn.offsets-committed', 'txn.end-sent', 'txn.end-answered']);
  });
});
