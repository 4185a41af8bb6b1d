import { isTidemarkError } from '../../errors';
import { MetadataCache } from '../../kafka/client/metadata-cache';
import type { ProduceRequest } from '../../kafka/port';
import { BatchSender } from './batch-sender';
import { batches, setUpProducer } from './testing/producer-harness';

const BASE_SEQUENCE = 53;

function setUp() {
  const setup = setUpProducer({ slow: ['produce'] });
  const { port, platform, plan, sent } = setup;
  const metadata = new MetadataCache(port, platform);
  const identity = { producerId: 7n, producerEpoch: 0 };
  const sender = new BatchSender({ port, metadata, transactionalId: 't', fault: () => undefined }, identity);
  const sequences = (key: string) =>
    sent('produce').flatMap(({ args }) =>
      (args[1] as ProduceRequest).partitions
        .filter(({ topic, partition }) => `${topic}-${partition}` === key)
        .map(({ batch }) => batch.readInt32BE(BASE_SEQUENCE)),
    );
  return { ...setup, plan, sender, sequences };
}

describe('A4: a batch is sent once', () => {
  it('counts sequences per partition over several epochs, one batch a partition in a request', async () => {
    const { sender, sequences, sent } = setUp();
    await sender.send([batches('out', 0, 3), batches('out', 1, 2)]);
    await sender.send([batches('out', 0, 1)]);
    expect(sequences('out-0')).toEqual([0, 1, 2, 3]);
    expect(sequences('out-1')).toEqual([0, 1]);
    for (const { args } of sent('produce')) expect((args[1] as ProduceRequest).acks).toBe(-1);
  });

  it('sends to each leader what it leads', async () => {
    const { sender, sent } = setUp();
    await sender.send([batches('out', 0), batches('out', 1), batches('changelog', 0)]);
    const byNode = sent('produce').map(({ args }) => [
      args[0],
      (args[1] as ProduceRequest).partitions.map(({ topic, partition }) => `${topic}-${partition}`),
    ]);
    expect(byNode).toEqual(
      expect.arrayContaining([
        [1, ['out-0', 'changelog-0']],
        [2, ['out-1']],
      ]),
    );
  });

  it.each(['lost', 5, 6, 19, 45, 46] as const)(
    'stops at %s: what was not sent yet stays unsent, nothing comes again',
    async (outcome) => {
      const { sender, plan, sequences, platform } = setUp();
      plan('produce', outcome);
      await expect(sender.send([batches('out', 0, 20)])).rejects.toMatchObject({ reaction: 'abort-epoch' });
      const seen = sequences('out-0');
      expect(seen.length).toBeLessThan(20);
      expect(new Set(seen).size).toBe(seen.length);
      await platform.advance(60_000);
      expect(sequences('out-0')).toEqual(seen);
    },
  );

  it('rejects only when nothing of it is under way any more, also to other brokers', async () => {
    const { sender, plan, events } = setUp();
    plan('produce', 'lost');
    await sender.send([batches('out', 0, 4), batches('out', 1, 4)]).catch((error: unknown) => {
      if (!isTidemarkError(error)) throw error;
    });
    const sent = events.filter(({ what }) => what === 'sent').length;
    expect(events.filter(({ what }) => what === 'answered')).toHaveLength(sent);
  });

  it('looks the leader up anew after a failure', async () => {
    const { sender, plan, sent, drive, leaders } = setUp();
    await sender.send([batches('out', 0)]);
    leaders.out[0]!.leader = 2;
    plan('produce', 6);
    await sender.send([batches('out', 0)]).catch(() => undefined);
    await drive(sender.send([batches('out', 0)]));
    expect(sent('produce').map(({ args }) => args[0])).toEqual([1, 1, 2]);
  });
});
