import { isLegalStep, judgeAnswer, type CommitStep } from './commit-steps';

describe('A2: the order of a commit', () => {
  const order: CommitStep[] = [
    'idle',
    'adding-partitions',
    'producing',
    'committing-offsets',
    'ending',
    'committed',
    'idle',
  ];
  it('is one chain', () => {
    for (let i = 1; i < order.length; i++) expect(isLegalStep(order[i - 1]!, order[i]!)).toBe(true);
  });
  it('skips nothing', () => {
    expect(isLegalStep('idle', 'producing')).toBe(false);
    expect(isLegalStep('adding-partitions', 'committing-offsets')).toBe(false);
    expect(isLegalStep('producing', 'ending')).toBe(false);
    expect(isLegalStep('committing-offsets', 'committed')).toBe(false);
    expect(isLegalStep('failed', 'ending')).toBe(false);
  });
});

describe('judgeAnswer', () => {
  const steps: CommitStep[] = ['adding-partitions', 'producing', 'committing-offsets', 'ending'];
  it('takes only 0 for clean', () => {
    for (const step of steps) {
      expect(judgeAnswer(step, 0)).toBe('clean');
      for (let code = 1; code < 130; code++) expect(judgeAnswer(step, code)).not.toBe('clean');
    }
  });

  it('A4: no answer is in doubt at every step', () => {
    for (const step of steps) expect(judgeAnswer(step, null)).toBe('abort');
  });

  it('A4: EndTxn and Produce are never repeated', () => {
    for (let code = -1; code < 130; code++) {
      expect(judgeAnswer('ending', code)).not.toBe('retry');
      expect(judgeAnswer('producing', code)).not.toBe('retry');
    }
  });

  it("A1: the last transaction's markers are waited for before partitions are added", () => {
    expect(judgeAnswer('adding-partitions', 51)).toBe('retry');
  });

  it('A8: a transactional id that expired counts as fenced', () => {
    expect(judgeAnswer('adding-partitions', 49)).toBe('fenced');
    expect(judgeAnswer('ending', 47)).toBe('fenced');
    expect(judgeAnswer('ending', 90)).toBe('fenced');
  });

  it('tells lost membership and duplicate instances apart', () => {
    expect(judgeAnswer('committing-offsets', 22)).toBe('membership-lost');
    expect(judgeAnswer('committing-offsets', 25)).toBe('membership-lost');
    expect(judgeAnswer('committing-offsets', 82)).toBe('duplicate-instance');
  });
});
