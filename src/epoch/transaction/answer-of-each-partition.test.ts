import {
  epochPayload,
  setUpProducer,
  type Outcome,
  type TxnApi,
  type WireEvent,
} from './testing/producer-harness';

/** Three partitions in the transaction, two in the group's offsets: an answer has something behind its first code. */
const PAYLOAD = epochPayload({
  offsets: [0, 1].map((partition) => ({
    topic: 'in',
    partition,
    offset: 42n,
    leaderEpoch: -1,
    metadata: null,
  })),
});

async function commitWith(api: TxnApi, ...outcomes: Outcome[]) {
  const setup = setUpProducer();
  await setup.drive(setup.producer.fence('takeover'));
  setup.events.length = 0;
  setup.plan(api, ...outcomes);
  const failure = await setup.drive(setup.producer.commit(PAYLOAD)).then(
    () => null,
    (error: unknown) => error,
  );
  return { failure, sent: (what: TxnApi): readonly WireEvent[] => setup.sent(what) };
}

describe('A1: every partition must be answered clean before a Produce, not only the first', () => {
  it.each([
    ['the last is refused', [0, 0, 48], 'TM5002'],
    ['one in the middle is refused', [0, 48, 0], 'TM5002'],
    ['the others were not attempted for its sake', [55, 55, 53], 'TM2008'],
    ['one was not attempted, and none says why', [0, 55, 0], 'TM5002'],
    ['one is refused and another may be repeated', [51, 0, 47], 'TM5001'],
  ] as const)('AddPartitionsToTxn: %s', async (_, codes, code) => {
    const { failure, sent } = await commitWith('addPartitionsToTxn', codes);
    expect(failure).toMatchObject({ code });
    expect(sent('addPartitionsToTxn')).toHaveLength(1);
    expect(sent('produce')).toHaveLength(0);
  });

  it('AddPartitionsToTxn: the coordinator still writes the markers of the last alone', async () => {
    const { failure, sent } = await commitWith('addPartitionsToTxn', [0, 0, 51], [55, 55, 51]);
    expect(failure).toBeNull();
    expect(sent('addPartitionsToTxn')).toHaveLength(3);
  });
});

describe('A2: every partition must be answered clean before the end, not only the first', () => {
  it.each([
    [22, 'TM5005'],
    [48, 'TM5002'],
    [82, 'TM1012'],
  ])('TxnOffsetCommit: the second is answered with %d', async (second, code) => {
    const { failure, sent } = await commitWith('txnOffsetCommit', [0, second]);
    expect(failure).toMatchObject({ code });
    expect(sent('endTxn')).toHaveLength(0);
  });

  it('TxnOffsetCommit: it is repeated for the sake of the second', async () => {
    const { failure, sent } = await commitWith('txnOffsetCommit', [0, 14]);
    expect(failure).toBeNull();
    expect(sent('txnOffsetCommit')).toHaveLength(2);
    expect(sent('endTxn')).toHaveLength(1);
  });

  it('Produce: the second partition of a request is refused', async () => {
    const { failure, sent } = await commitWith('produce', [0, 7]);
    expect(failure).toMatchObject({ code: 'TM5002' });
    expect(sent('txnOffsetCommit')).toHaveLength(0);
  });
});
