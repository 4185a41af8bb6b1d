import type { Bench } from '../bench';
import { nameOf, OK } from '../errors';
import { committedOffset, stableOffset, type TestMember } from '../member';
import { txnOffset } from '../producer';

/** Offsets that a group commits, in transactions and without, and who may commit them. */
export function groupOffsets(bench: Bench): void {
  const join = (): Promise<TestMember> => bench.member(bench.name('group')).joinAlone();

  describe('without a transaction', () => {
    it('commits for the generation and member that hold the group, and for nobody else', async () => {
      const at = (await bench.topic()).at();
      const member = await join();
      expect(await member.commit(at, 7)).toBe(OK);
      for (const [change, error] of [
        [{ generationId: member.generationId - 1 }, 'ILLEGAL_GENERATION'],
        [{ generationId: member.generationId + 1 }, 'ILLEGAL_GENERATION'],
        [{ memberId: 'nobody' }, 'UNKNOWN_MEMBER_ID'],
        [{ generationId: -1, memberId: '' }, 'UNKNOWN_MEMBER_ID'],
      ] as const) {
        const stranger = Object.assign(member.copy(), change);
        expect([change, await stranger.commit(at, 8)]).toEqual([change, error]);
      }
      expect(await committedOffset(bench, member.groupId, at)).toBe(7);
      expect(await member.commit(at, 5)).toBe(OK);
      expect(await committedOffset(bench, member.groupId, at)).toBe(5);
    });

    it('lets anybody commit while the group has no members', async () => {
      const at = (await bench.topic()).at();
      const outsider = bench.member(bench.name('group'));
      expect(await committedOffset(bench, outsider.groupId, at)).toBe(-1);
      expect(await outsider.commit(at, 3)).toBe(OK);
      expect(await committedOffset(bench, outsider.groupId, at)).toBe(3);
    });

    it('keeps the metadata, answers for all partitions of a group, and deletes', async () => {
      const topic = await bench.topic(2);
      const { identity } = bench.member(bench.name('group'));
      const offsets = [txnOffset(topic.at(0), 1, 'one'), txnOffset(topic.at(1), 2, null)];
      const answers = await bench.port.offsetCommit(identity, offsets);
      expect(answers.map(({ errorCode }) => errorCode)).toEqual([0, 0]);
      const all = await bench.port.offsetFetch(identity.groupId, null, true);
      const sorted = [...all.offsets].sort((a, b) => a.partition - b.partition);
      expect(sorted).toEqual([
        { ...topic.at(0), errorCode: 0, offset: 1n, metadata: 'one' },
        { ...topic.at(1), errorCode: 0, offset: 2n, metadata: '' },
      ]);
      expect(nameOf(await bench.port.deleteOffsets(identity.groupId, [topic.at(0)]))).toBe(OK);
      expect(await committedOffset(bench, identity.groupId, topic.at(0))).toBe(-1);
      expect(await committedOffset(bench, identity.groupId, topic.at(1))).toBe(2);
    });
  });

  describe('in a transaction', () => {
    it('moves the offset when the transaction commits, and not when it aborts', async () => {
      const at = (await bench.topic()).at();
      const member = await join();
      const producer = await bench.producer();
      expect(await member.commit(at, 1)).toBe(OK);
      for (const [offset, committed, after] of [
        [5, false, 1],
        [6, true, 6],
      ] as const) {
        expect(await producer.addGroup(member.groupId)).toBe(OK);
        expect(await producer.commitOffset(member.identity, at, offset)).toBe(OK);
        // UNSTABLE_OFFSET_COMMIT (KIP-447): the answer depends on how the transaction ends.
        expect(await committedOffset(bench, member.groupId, at, true)).toBe('UNSTABLE_OFFSET_COMMIT');
        expect(await committedOffset(bench, member.groupId, at, false)).toBe(1);
        expect(await producer.end(committed)).toBe(OK);
        expect(await stableOffset(bench, member.groupId, at)).toBe(after);
      }
    });

    it('is unstable for the partitions in the transaction only', async () => {
      const topic = await bench.topic(2);
      const member = await join();
      const producer = await bench.producer();
      expect(await member.commit(topic.at(1), 4)).toBe(OK);
      await producer.addGroup(member.groupId);
      await producer.commitOffset(member.identity, topic.at(0), 9);
      expect(await committedOffset(bench, member.groupId, topic.at(1))).toBe(4);
      expect(await committedOffset(bench, member.groupId, topic.at(0))).toBe('UNSTABLE_OFFSET_COMMIT');
      expect(await producer.end(true)).toBe(OK);
      expect(await stableOffset(bench, member.groupId, topic.at(0))).toBe(9);
    });

    it('is fenced by generation and member id (KIP-447)', async () => {
      const at = (await bench.topic()).at();
      const member = await join();
      const producer = await bench.producer();
      await producer.addGroup(member.groupId);
      for (const [change, error] of [
        [{ generationId: member.generationId - 1 }, 'ILLEGAL_GENERATION'],
        [{ generationId: member.generationId + 1 }, 'ILLEGAL_GENERATION'],
        [{ memberId: 'nobody' }, 'UNKNOWN_MEMBER_ID'],
      ] as const) {
        const stranger = { ...member.identity, ...change };
        expect([change, await producer.commitOffset(stranger, at, 8)]).toEqual([change, error]);
      }
      expect(await producer.end(true)).toBe(OK);
      expect(await stableOffset(bench, member.groupId, at)).toBe(-1);
    });

    it('hazard: generation -1 without a member id is taken from anybody, so that an offset can go back', async () => {
      const at = (await bench.topic()).at();
      const member = await join();
      const [owner, old] = [await bench.producer(), await bench.producer()];
      const nobody = { ...member.identity, generationId: -1, memberId: '' };
      for (const [producer, offset] of [
        [owner, 100],
        [old, 50],
      ] as const) {
        await producer.addGroup(member.groupId);
        expect(await producer.commitOffset(nobody, at, offset)).toBe(OK);
        expect(await producer.end(true)).toBe(OK);
        expect(await stableOffset(bench, member.groupId, at)).toBe(offset);
      }
    });

    it('between JoinGroup’s answer and SyncGroup takes the new generation and refuses the old one', async () => {
      const at = (await bench.topic()).at();
      const member = await join();
      const before = member.copy();
      expect((await member.join()).errorCode).toBe(0);
      const producer = await bench.producer();
      await producer.addGroup(member.groupId);
      expect(await producer.commitOffset(before.identity, at, 1)).toBe('ILLEGAL_GENERATION');
      expect(await producer.commitOffset(member.identity, at, 2)).toBe(OK);
      expect(await producer.end(true)).toBe(OK);
      expect(await stableOffset(bench, member.groupId, at)).toBe(2);
      // Without a transaction the same moment is refused.
      expect(await member.commit(at, 3)).toBe('REBALANCE_IN_PROGRESS');
      expect((await member.sync({ [member.memberId]: 'all' })).error).toBe(OK);
      expect(await member.commit(at, 3)).toBe(OK);
    });

    it('while a rebalance waits for members still takes the old generation', async () => {
      const at = (await bench.topic()).at();
      const member = await join();
      const other = bench.member(member.groupId, null, bench.late);
      const joining = other.join();
      await member.untilRebalance();
      const producer = await bench.producer();
      await producer.addGroup(member.groupId);
      expect(await producer.commitOffset(member.identity, at, 4)).toBe(OK);
      expect(await producer.end(true)).toBe(OK);
      expect(await stableOffset(bench, member.groupId, at)).toBe(4);
      expect((await member.join()).errorCode).toBe(0);
      expect((await joining).errorCode).toBe(0);
    });

    it('two open transactions over one partition: the later end decides', async () => {
      const at = (await bench.topic()).at();
      const member = await join();
      const [first, second] = [await bench.producer(), await bench.producer()];
      await first.addGroup(member.groupId);
      await second.addGroup(member.groupId);
      await first.commitOffset(member.identity, at, 10);
      await second.commitOffset(member.identity, at, 20);
      expect(await second.end(true)).toBe(OK);
      expect(await committedOffset(bench, member.groupId, at)).toBe('UNSTABLE_OFFSET_COMMIT');
      expect(await first.end(false)).toBe(OK);
      expect(await stableOffset(bench, member.groupId, at)).toBe(20);
    });

    it('needs the group in the transaction: an offset without AddOffsetsToTxn is not committed by its end', async () => {
      const topic = await bench.topic();
      const member = await join();
      const producer = await bench.producer();
      await producer.add(topic.at());
      const error = await producer.commitOffset(member.identity, topic.at(), 5);
      expect(error).toBe('TRANSACTION_ABORTABLE');
      expect(await producer.end(true)).toBe(OK);
      expect(await stableOffset(bench, member.groupId, topic.at())).toBe(-1);
    });
  });
}
