import { isLegalStep, judgeAnswer, type CommitStep } from './commit-steps';

const VERSIONS = [1, 2] as const;
const ORDERS: Readonly<Record<1 | 2, readonly CommitStep[]>> = {
  1: ['idle', 'adding-partitions', 'producing', 'committing-offsets', 'ending', 'committed', 'idle'],
  2: ['idle', 'producing', 'committing-offsets', 'ending', 'committed', 'idle'],
};
const STEPS: readonly CommitStep[] = ['adding-partitions', 'producing', 'committing-offsets', 'ending'];

describe.each(VERSIONS)('A2: the order of a commit in transaction version %d', (version) => {
  const order = ORDERS[version];
  it('is one chain', () => {
    for (let i = 1; i < order.length; i++) expect(isLegalStep(order[i - 1]!, order[i]!, version)).toBe(true);
  });

  it('skips nothing', () => {
    for (let from = 0; from < order.length - 1; from++)
      for (let to = from + 2; to < order.length; to++)
        expect([order[from], order[to], isLegalStep(order[from]!, order[to]!, version)]).toEqual([
          order[from],
          order[to],
          order[to] === 'idle' && order[from] === 'committed',
        ]);
    expect(isLegalStep('failed', 'ending', version)).toBe(false);
  });

  it('fails from every step that is answered, and from no other', () => {
    const failing = order.filter((step) => isLegalStep(step, 'failed', version));
    expect(failing).toEqual(order.filter((step) => STEPS.includes(step)));
  });
});

describe('A1: the steps of one version are none of the other', () => {
  it('version 1 does not produce before partitions are added, version 2 adds none', () => {
    expect(isLegalStep('idle', 'producing', 1)).toBe(false);
    expect(isLegalStep('idle', 'adding-partitions', 2)).toBe(false);
    expect(isLegalStep('adding-partitions', 'producing', 2)).toBe(false);
  });
});

describe.each(VERSIONS)('judgeAnswer in transaction version %d', (version) => {
  it('takes only 0 for clean', () => {
    for (const step of STEPS) {
      expect(judgeAnswer(step, 0, version)).toBe('clean');
      for (let code = 1; code < 130; code++) expect(judgeAnswer(step, code, version)).not.toBe('clean');
    }
  });

  it('A4: no answer is in doubt at every step', () => {
    for (const step of STEPS) expect(judgeAnswer(step, null, version)).toBe('abort');
  });

  it('A4: EndTxn is never repeated, and Produce only when nothing was appended for certain', () => {
    const repeated = (step: CommitStep) =>
      Array.from({ length: 131 }, (_, i) => i - 1).filter(
        (code) => judgeAnswer(step, code, version) === 'retry',
      );
    expect(repeated('ending')).toEqual([]);
    expect(repeated('producing')).toEqual(version === 1 ? [] : [51]);
  });

  it("A1: the last transaction's markers are waited for", () => {
    expect(judgeAnswer('fencing', 51, version)).toBe('retry');
    expect(judgeAnswer(version === 1 ? 'adding-partitions' : 'producing', 51, version)).toBe('retry');
  });

  it('A8: a transactional id that expired counts as fenced', () => {
    expect(judgeAnswer('adding-partitions', 49, version)).toBe('fenced');
    expect(judgeAnswer('ending', 47, version)).toBe('fenced');
    expect(judgeAnswer('ending', 90, version)).toBe('fenced');
  });

  it('tells lost membership and duplicate instances apart', () => {
    expect(judgeAnswer('committing-offsets', 22, version)).toBe('membership-lost');
    expect(judgeAnswer('committing-offsets', 25, version)).toBe('membership-lost');
    expect(judgeAnswer('committing-offsets', 82, version)).toBe('duplicate-instance');
  });
});
