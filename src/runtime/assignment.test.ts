import { assignTasks, type MemberClaim } from './assignment';
import type { TaskId } from './job-plan';

const tasks = (stage: string, count: number): TaskId[] =>
  Array.from({ length: count }, (_, partition) => ({ stage, partition }));
const member = (memberId: string, claim: Partial<MemberClaim> = {}): MemberClaim => ({
  memberId,
  name: memberId,
  owned: [],
  generation: -1,
  previous: [],
  ...claim,
});
const counts = (result: Map<string, TaskId[]>): number[] => [...result.values()].map((list) => list.length);

describe('assignTasks', () => {
  it('gives every task to exactly one member', () => {
    const all = [...tasks('a', 5), ...tasks('b', 3)];
    const result = assignTasks(all, [member('m1'), member('m2'), member('m3')]);
    const given = [...result.values()].flat().map((t) => `${t.stage}/${t.partition}`);
    expect(given.sort()).toEqual(all.map((t) => `${t.stage}/${t.partition}`).sort());
  });

  it('balances within a stage and over all stages', () => {
    expect(counts(assignTasks([...tasks('a', 3), ...tasks('b', 3)], [member('m1'), member('m2')]))).toEqual([
      3, 3,
    ]);
    expect(counts(assignTasks(tasks('a', 4), [member('m1'), member('m2'), member('m3')])).sort()).toEqual([
      1, 1, 2,
    ]);
  });

  it('leaves surplus members idle', () => {
    expect(counts(assignTasks(tasks('a', 1), [member('m1'), member('m2')])).sort()).toEqual([0, 1]);
  });

  it('keeps what is owned when a member joins, and moves only what balance needs', () => {
    const owned = tasks('a', 4).map((t) => `a/${t.partition}`);
    const result = assignTasks(tasks('a', 4), [member('m1', { owned, generation: 3 }), member('m2')]);
    expect(result.get('m1')?.map((t) => t.partition)).toEqual([0, 1]);
    expect(result.get('m2')?.map((t) => t.partition)).toEqual([2, 3]);
  });

  it('believes the claim of the higher generation', () => {
    const result = assignTasks(tasks('a', 2), [
      member('old', { owned: ['a/0', 'a/1'], generation: 3 }),
      member('young', { owned: ['a/0'], generation: 4 }),
    ]);
    expect(result.get('young')).toEqual([{ stage: 'a', partition: 0 }]);
  });

  it('gives a restarted member back what it had', () => {
    const result = assignTasks(tasks('a', 2), [member('m1'), member('m2', { previous: ['a/0'] })]);
    expect(result.get('m2')).toEqual([{ stage: 'a', partition: 0 }]);
  });

  it('does not depend on the order of the members', () => {
    const all = tasks('a', 7);
    const forward = assignTasks(all, [member('m1'), member('m2'), member('m3')]);
    const backward = assignTasks(all, [member('m3'), member('m2'), member('m1')]);
    for (const id of ['m1', 'm2', 'm3']) expect(backward.get(id)).toEqual(forward.get(id));
  });
});
