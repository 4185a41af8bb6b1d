import { isTidemarkError } from '../../errors';
import type { GroupIdentity, InitProducerIdRequest, ProduceRequest, TopicPartition } from '../../kafka/port';
import {
  batches,
  epochPayload,
  GROUP,
  setUpProducer,
  type Outcome,
  type TxnApi,
  type WireEvent,
} from './testing/producer-harness';

type Setup = ReturnType<typeof setUpProducer>;

async function fenced(options?: Parameters<typeof setUpProducer>[0]): Promise<Setup> {
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

describe('A1: no Produce before AddPartitionsToTxn was answered clean for this transaction', () => {
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

describe('A2: the order of a commit', () => {
  it('sends TxnOffsetCommit after the last Produce answer and AddOffsetsToTxn, EndTxn after its clean answer', async () => {
    const setup = await fenced({ slow: ['produce', 'addOffsetsToTxn', 'txnOffsetCommit'] });
    await commit(setup, {
      partitions: [batches('out', 0, 6), batches('out', 1, 3), batches('changelog', 0)],
    });
    expect(strictlyBefore(setup.events, 'produce answered', 'txnOffsetCommit sent')).toBe(true);
    expect(strictlyBefore(setup.events, 'addOffsetsToTxn answered', 'txnOffsetCommit sent')).toBe(true);
    expect(strictlyBefore(setup.events, 'txnOffsetCommit answered', 'endTxn sent')).toBe(true);
  });

  it('uses the generation and member id that came with the epoch, never -1', async () => {
    const setup = await fenced();
    await commit(setup);
    await commit(setup, { group: { ...GROUP, generationId: 4 } });
    const groups = setup.sent('txnOffsetCommit').map(({ args }) => args[1] as GroupIdentity);
    expect(groups).toEqual([GROUP, { ...GROUP, generationId: 4 }]);
  });

  it('sends TxnOffsetCommit also when no offset moved', async () => {
    const setup = await fenced();
    await commit(setup, { offsets: [] });
    expect(setup.sent('addOffsetsToTxn')).toHaveLength(1);
    expect(setup.sent('txnOffsetCommit').map(({ args }) => args[1])).toEqual([GROUP]);
  });

  it('ends nothing when one partition of TxnOffsetCommit is not clean', async () => {
    const setup = await fenced();
    setup.plan('txnOffsetCommit', 22);
    expect(await failureOf(commit(setup))).toBe('TM5005 rejoin');
    expect(setup.sent('endTxn')).toHaveLength(0);
  });

  it('repeats TxnOffsetCommit inside the transaction while the coordinator moves or rebalances', async () => {
    const setup = await fenced();
    setup.plan('txnOffsetCommit', 14, 27, 16);
    await commit(setup);
    expect(setup.sent('txnOffsetCommit')).toHaveLength(4);
    expect(setup.sent('addPartitionsToTxn')).toHaveLength(1);
    expect(setup.sent('endTxn')).toHaveLength(1);
  });
});

describe('A4: what is not a clean first answer ends the epoch', () => {
  const STEPS: readonly TxnApi[] = [
    'addPartitionsToTxn',
    'produce',
    'addOffsetsToTxn',
    'txnOffsetCommit',
    'endTxn',
  ];
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
    const setup = await fenced();
    setup.plan(api, outcome);
    expect(await failureOf(commit(setup))).toBe(want);
    for (const later of AFTER[api]!) expect(setup.sent(later)).toHaveLength(0);
    expect(setup.sent('endTxn').length).toBeLessThanOrEqual(1);
    const sent = setup.events.length;
    await setup.platform.advance(120_000);
    expect(setup.events).toHaveLength(sent);
  });

  it.each<Outcome>(['lost', 14, 15, 16, 51])('EndTxn is sent once, also after %s', async (outcome) => {
    const setup = await fenced();
    setup.plan('endTxn', outcome);
    expect(await failureOf(commit(setup))).not.toBe('none');
    expect(setup.sent('endTxn')).toHaveLength(1);
    expect(setup.sent('endTxn')[0]!.args[1]).toBe(true);
  });

  it.each(STEPS)('after a failure of %s nothing can be committed before fence()', async (api) => {
    const setup = await fenced();
    setup.plan(api, 'lost');
    await failureOf(commit(setup));
    const sent = setup.events.length;
    await expect(commit(setup)).rejects.toThrow('commit step failed -> adding-partitions');
    expect(setup.events).toHaveLength(sent);
    await setup.drive(setup.producer.fence('own'));
    await commit(setup);
  });

  it('fences with its own identity and begins new sequences under the new epoch', async () => {
    const setup = await fenced();
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
    const setup = await fenced();
    setup.plan('initProducerId', 'lost', 51, 14, 0);
    await setup.drive(setup.producer.fence('own'));
    const asked = setup.sent('initProducerId').map(({ args }) => (args[0] as InitProducerIdRequest).current);
    expect(asked).toHaveLength(4);
    expect(new Set(asked).size).toBe(1);
    setup.plan('initProducerId', 47);
    expect(await failureOf(setup.drive(setup.producer.fence('own')))).toBe('TM5001 abort-epoch');
  });

  it('says nothing of the outcome: only a clean answer to EndTxn makes a receipt', async () => {
    const setup = await fenced();
    const receipt = await commit(setup);
    expect(receipt.landings.get('changelog-0')).toEqual({
      nextOffset: 101,
      appendTime: 5000,
      leaderEpoch: 0,
    });
    expect(setup.faults.slice(-3)).toEqual(['txn.offsets-committed', 'txn.end-sent', 'txn.end-answered']);
  });
});
