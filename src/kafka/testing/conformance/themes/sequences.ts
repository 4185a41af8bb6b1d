import type { ProducerIdentity } from '../../../port';
import type { Bench } from '../bench';
import { nameOf, OK } from '../errors';
import type { Sent, TestTopic } from '../topic';

const LAST_SEQUENCE = 2 ** 31 - 1;
/** A partition remembers so many batches of a producer (KIP-98). */
const REMEMBERED = 5;

/** Idempotent producers: the sequence numbers of their batches, partition by partition. */
export function sequences(bench: Bench): void {
  it('gives out producer ids, each once, with epoch 0', async () => {
    const [one, other] = [await identity(bench), await identity(bench)];
    expect(one.producerId).not.toBe(other.producerId);
    expect([one.producerEpoch, other.producerEpoch]).toEqual([0, 0]);
  });

  it('takes a batch once: its repetition gets the offset of the first', async () => {
    const { topic, send } = await writer(bench);
    expect(await send(['a', 'b'], 0)).toEqual({ error: OK, offset: 0 });
    expect(await send(['c'], 2)).toEqual({ error: OK, offset: 2 });
    expect(await send(['a', 'b'], 0)).toEqual({ error: OK, offset: 0 });
    expect(await send(['c'], 2)).toEqual({ error: OK, offset: 2 });
    expect(await topic.texts()).toEqual(['a', 'b', 'c']);
  });

  it('remembers the last five batches; the repetition of an older one is out of order', async () => {
    const { topic, send } = await writer(bench);
    for (let i = 0; i <= REMEMBERED; i++) expect((await send([`${i}`], i)).error).toBe(OK);
    expect(await send(['1'], 1)).toEqual({ error: OK, offset: 1 });
    expect((await send(['0'], 0)).error).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(await topic.texts()).toHaveLength(REMEMBERED + 1);
  });

  it('refuses a gap', async () => {
    const { topic, send } = await writer(bench);
    await send(['a', 'b'], 0);
    expect((await send(['d'], 3)).error).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect((await send(['c'], 2)).error).toBe(OK);
    expect(await topic.texts()).toEqual(['a', 'b', 'c']);
  });

  it('refuses what overlaps a batch without being it', async () => {
    const { topic, send } = await writer(bench);
    await send(['a', 'b'], 0);
    expect((await send(['b', 'c'], 1)).error).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(await topic.texts()).toEqual(['a', 'b']);
  });

  it('counts each partition by itself', async () => {
    const { topic, send } = await writer(bench);
    expect((await send(['a'], 0)).error).toBe(OK);
    expect((await send(['b'], 0, 1)).error).toBe(OK);
    expect(await topic.texts('read_committed', 1)).toEqual(['b']);
  });

  it('begins again at 0 with a new epoch, and refuses the old one', async () => {
    const { topic, producer, send } = await writer(bench);
    const next = { ...producer, producerEpoch: producer.producerEpoch + 1 };
    await send(['a'], 0);
    expect((await send(['gap'], 1, 0, next)).error).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect((await send(['b'], 0, 0, next)).error).toBe(OK);
    expect((await send(['late'], 1)).error).toBe('INVALID_PRODUCER_EPOCH');
    expect(await topic.texts()).toEqual(['a', 'b']);
  });

  it('goes on at 0 behind 2^31 - 1, also within a batch', async () => {
    const { topic, send } = await writer(bench);
    expect((await send(['a', 'b', 'c'], LAST_SEQUENCE - 1)).error).toBe(OK);
    expect((await send(['gap'], 2)).error).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect((await send(['d'], 1)).error).toBe(OK);
    expect(await topic.texts()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('orders batches of one client that are under way together', async () => {
    const { topic, send } = await writer(bench);
    const values = Array.from({ length: 5 }, (_, i) => `${i}`);
    const sent = await Promise.all(values.map((value, i) => send([value], i)));
    expect(sent.map(({ error }) => error)).toEqual(values.map(() => OK));
    expect(await topic.texts()).toEqual(values);
  });
}

async function identity(bench: Bench): Promise<ProducerIdentity> {
  const request = { transactionalId: null, transactionTimeoutMs: 60_000, current: null };
  const answer = await bench.settled(() => bench.port.initProducerId(request));
  expect(nameOf(answer)).toBe(OK);
  return { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
}

async function writer(bench: Bench): Promise<{
  readonly topic: TestTopic;
  readonly producer: ProducerIdentity;
  readonly send: (
    values: readonly string[],
    baseSequence: number,
    partition?: number,
    as?: ProducerIdentity,
  ) => Promise<Sent>;
}> {
  const topic = await bench.topic(2);
  const producer = await identity(bench);
  // One time for all: a repetition is the same batch, byte by byte.
  const time = bench.now();
  return {
    topic,
    producer,
    send: (values, baseSequence, partition = 0, as = producer) =>
      topic.send(values, { producer: as, baseSequence, partition, time }),
  };
}
