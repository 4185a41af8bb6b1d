import type { Marker } from '../../epoch/protocol/recovery-plan';
import { encodeLink, judgeChain, linkKey } from './links';

const marker = (taskEpoch: number): Marker => ({
  clusterId: 'c',
  topicId: 't',
  incarnation: 1,
  leaderEpoch: 0,
  taskEpoch,
  nextOffset: taskEpoch * 10,
  brokerTime: 0,
});
const link = (seq: number, oldest = 1): { key: Buffer; value: Buffer } => ({
  key: linkKey(seq),
  value: encodeLink({ seq, oldest, marker: marker(seq) }),
});

describe('C1: the chain of markers', () => {
  it('is intact when complete, also after pruning', () => {
    expect(judgeChain([link(1), link(2), link(3)], true)).toMatchObject({
      kind: 'intact',
      newest: 3,
      marker: { taskEpoch: 3 },
    });
    expect(judgeChain([link(7, 7), link(8, 7)], true)).toMatchObject({
      kind: 'intact',
      newest: 8,
      oldest: 7,
    });
  });
  it('keeps numbers in byte order', () => {
    expect(Buffer.compare(linkKey(255), linkKey(256))).toBe(-1);
  });
  it('misses a lost epoch in the middle', () => {
    expect(judgeChain([link(1), link(3)], true)).toEqual({
      kind: 'broken',
      reason: 'markers 2 to 2 are missing',
    });
  });
  it('misses lost epochs at the old end, which look like pruning', () => {
    expect(judgeChain([link(3), link(4)], true)).toEqual({
      kind: 'broken',
      reason: 'markers 1 to 2 are missing',
    });
  });
  it('does not trust data without any marker', () => {
    expect(judgeChain([], true).kind).toBe('broken');
    expect(judgeChain([], false).kind).toBe('empty');
  });
  it('does not trust a damaged or misplaced marker', () => {
    expect(judgeChain([{ key: linkKey(1), value: Buffer.from('{"seq":') }], true).kind).toBe('broken');
    expect(judgeChain([{ key: linkKey(2), value: link(1).value }], true).kind).toBe('broken');
  });
});
