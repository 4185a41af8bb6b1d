import { LATEST } from '../port';
import { forEachBatch } from '../codec/batch-header';
import {
  add,
  begin,
  closeAll,
  fetchAll,
  readCommitted,
  readAll,
  settled,
  simBench,
  TOPIC,
  write,
} from './testing/sim-bench';

afterEach(closeAll);

const COMPACTED = { 'cleanup.policy': 'compact', 'delete.retention.ms': '10000' };

async function compactedBench() {
  const bench = await simBench({ configs: COMPACTED });
  const clean = () => {
    bench.kafka.rollSegment(TOPIC, 0);
    bench.kafka.compact(TOPIC);
  };
  return { ...bench, clean };
}

describe('compaction', () => {
  it('takes superseded records, commit records too, and leaves holes and empty batches', async () => {
    const { kafka, port, clean } = await compactedBench();
    const txn = await begin(kafka, port, 'a');
    for (let epoch = 1; epoch <= 3; epoch++) {
      await add(kafka, port, txn);
      await write(
        kafka,
        port,
        [
          [`k${epoch}`, 'v'],
          ['commit', String(epoch)],
        ],
        { txn, sequence: 2 * (epoch - 1) },
      );
      await settled(kafka, () => port.endTxn(txn, true));
    }
    await kafka.platform.advance(100);
    await write(kafka, port, [['commit', '4']]);
    await write(kafka, port, [['commit', '5']]); // the last batch of what is cleaned stays
    await write(kafka, port, [['other', 'v']]);
    clean();
    await write(kafka, port, [['open segment', 'v']]);
    expect(await readCommitted(kafka, port)).toEqual([
      '0:k1=v',
      '3:k2=v',
      '6:k3=v',
      '10:commit=5',
      '11:other=v',
      '12:open segment=v',
    ]);
    const ends: number[] = [];
    const counts: number[] = [];
    forEachBatch((await fetchAll(kafka, port, 'read_committed')).records!, ({ lastOffset, recordCount }) => {
      ends.push(lastOffset);
      counts.push(recordCount);
    });
    expect(ends).toEqual([1, 2, 4, 5, 7, 8, 10, 11]); // 9 is a hole
    expect(counts).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('keeps the last batch of a producer, empty if need be, so that its sequence goes on', async () => {
    const { kafka, port, clean } = await compactedBench();
    const { producerId, producerEpoch } = await port.initProducerId({
      ...{ transactionalId: null, transactionTimeoutMs: 1_000, current: null },
    });
    const idempotent = (sequence: number) =>
      write(kafka, port, [['k', `v${sequence}`]], { producer: { producerId, producerEpoch }, sequence });
    expect((await idempotent(0)).errorCode).toBe(0);
    await write(kafka, port, [['k', 'newer']]);
    await write(kafka, port, [['other', 'v']]);
    clean();
    const counts: number[] = [];
    forEachBatch((await fetchAll(kafka, port, 'read_committed')).records!, ({ recordCount }) =>
      counts.push(recordCount),
    );
    expect(counts).toEqual([0, 1, 1]);
    expect((await idempotent(0)).errorCode).toBe(0); // the same again: known, not appended
    expect((await idempotent(1)).errorCode).toBe(0);
    expect(await readCommitted(kafka, port)).toEqual(['1:k=newer', '2:other=v', '3:k=v1']);
  });

  it('takes tombstones and markers only when delete.retention.ms has passed since they were first met', async () => {
    const { kafka, port, clean } = await compactedBench();
    const txn = await begin(kafka, port, 'a');
    await add(kafka, port, txn);
    await write(kafka, port, [['k', 'v']], { txn, sequence: 0 });
    await settled(kafka, () => port.endTxn(txn, true));
    await kafka.platform.advance(100);
    await write(kafka, port, [['k', null]]);
    await write(kafka, port, [['x', 'v']]);
    clean();
    expect(await readCommitted(kafka, port)).toEqual(['2:k=null', '3:x=v']);
    await kafka.platform.advance(9_000);
    await write(kafka, port, [['y', 'v']]);
    clean();
    expect(await readCommitted(kafka, port)).toContain('2:k=null');
    await kafka.platform.advance(2_000);
    await write(kafka, port, [['z', 'v']]);
    clean();
    expect(await readCommitted(kafka, port)).toEqual(['3:x=v', '4:y=v', '5:z=v']);
  });

  it('takes records of aborted transactions and never an older value for their sake', async () => {
    const { kafka, port, clean } = await compactedBench();
    await write(kafka, port, [['k', 'kept']]);
    const txn = await begin(kafka, port, 'a');
    await add(kafka, port, txn);
    await write(kafka, port, [['k', 'aborted']], { txn, sequence: 0 });
    await settled(kafka, () => port.endTxn(txn, false));
    await kafka.platform.advance(100);
    await write(kafka, port, [['other', 'v']]);
    clean();
    expect(await readAll(kafka, port, 'read_uncommitted')).toEqual(['0:k=kept', '3:other=v']);
    expect(await readCommitted(kafka, port)).toEqual(['0:k=kept', '3:other=v']);
  });

  it('leaves alone what lies behind an open transaction, and the active segment', async () => {
    const { kafka, port, clean } = await compactedBench();
    const txn = await begin(kafka, port, 'a');
    await add(kafka, port, txn);
    await write(kafka, port, [['k', '1']]);
    await write(kafka, port, [['open', 'v']], { txn, sequence: 0 });
    await write(kafka, port, [['k', '2']]);
    await write(kafka, port, [['k', '3']]);
    clean();
    expect(await readAll(kafka, port, 'read_uncommitted')).toHaveLength(4);
  });
});

it('the list of aborted transactions has the order of their markers', async () => {
  const { kafka, port } = await simBench();
  const [a, b] = [await begin(kafka, port, 'a'), await begin(kafka, port, 'b')];
  for (const txn of [a, b]) await add(kafka, port, txn);
  await write(kafka, port, [['k', 'a']], { txn: a, sequence: 0 });
  await write(kafka, port, [['k', 'b']], { txn: b, sequence: 0 });
  for (const txn of [b, a]) {
    await settled(kafka, () => port.endTxn(txn, false));
    await kafka.platform.advance(100);
  }
  const { abortedTransactions } = await fetchAll(kafka, port, 'read_committed');
  expect(abortedTransactions?.map(({ firstOffset }) => firstOffset)).toEqual([1n, 0n]);
  expect(await readCommitted(kafka, port)).toEqual([]);
});

describe('a leader change', () => {
  it('leaves a high watermark in Fetch that is behind, and ListOffsets never tells it (KIP-207)', async () => {
    const told = new Set<string>();
    for (let seed = 1; seed <= 20; seed++) {
      const { kafka, port } = await simBench({ seed, brokers: 3 });
      for (let i = 0; i < 4; i++) await write(kafka, port, [['k', String(i)]]);
      kafka.moveLeader(TOPIC, 0);
      const [asked, fetched] = await Promise.all([
        port.listOffsets(kafka.leaderOf(TOPIC, 0), 'read_uncommitted', [
          { topic: TOPIC, partition: 0, timestamp: LATEST },
        ]),
        fetchAll(kafka, port, 'read_uncommitted'),
      ]);
      const { errorCode, offset } = asked[0]!;
      expect(errorCode === 0 ? offset : errorCode).toEqual(errorCode === 0 ? 4n : 78);
      told.add(`fetch ${fetched.highWatermark < 4n ? 'behind' : 'right'}`);
      told.add(`list ${errorCode}`);
    }
    expect([...told].sort()).toEqual(['fetch behind', 'fetch right', 'list 0', 'list 78']);
  });

  it('may lose what nobody was told of, and nothing that was acknowledged', async () => {
    const kept = new Set<string>();
    for (let seed = 1; seed <= 20; seed++) {
      const { kafka, port } = await simBench({ seed, brokers: 3 });
      await write(kafka, port, [['k', 'safe']]);
      const unsafe = await write(kafka, port, [['k', 'unsafe']], { acks: 1 });
      expect(unsafe.errorCode).toBe(0);
      kafka.moveLeader(TOPIC, 0);
      await kafka.platform.advance(100);
      const texts = await readCommitted(kafka, port);
      expect(texts[0]).toBe('0:k=safe');
      kept.add(String(texts.length));
    }
    expect([...kept].sort()).toEqual(['1', '2']);
  });

  it('is refused by epoch: 74 for one that is past, 75 for one to come', async () => {
    const { kafka, port } = await simBench({ brokers: 3 });
    kafka.moveLeader(TOPIC, 0);
    const ask = async (currentLeaderEpoch: number) => {
      const asked = { topic: TOPIC, partition: 0, fetchOffset: 0n, currentLeaderEpoch, maxBytes: 1_000 };
      const limits = { isolation: 'read_committed', maxWaitMs: 0, minBytes: 1, maxBytes: 1_000 } as const;
      const { partitions } = await port.fetch(kafka.leaderOf(TOPIC, 0), { ...limits, partitions: [asked] });
      return partitions[0]?.errorCode;
    };
    expect([await ask(0), await ask(1), await ask(2)]).toEqual([74, 0, 75]);
  });
});

it('retention takes old segments, and what is read below them is out of range', async () => {
  const { kafka, port } = await simBench({ configs: { 'retention.ms': '1000' } });
  await write(kafka, port, [['k', 'old']]);
  kafka.rollSegment(TOPIC, 0);
  await kafka.platform.advance(5_000);
  await write(kafka, port, [['k', 'new']]);
  kafka.enforceRetention();
  expect((await fetchAll(kafka, port, 'read_committed')).errorCode).toBe(1);
  expect(await readAll(kafka, port, 'read_committed', 0, 1)).toEqual(['1:k=new']);
});
