import { defineJob } from '../dsl/job';
import { json } from '../serde';
import { allTasks, inputPartitions, planJob, type PlanFacts } from './job-plan';

const { topology } = defineJob('job', (env) =>
  env
    .source('clicks', { value: json<{ user: string }>() })
    .keyBy((click) => click.user, { name: 'by-user' })
    .count({ name: 'counts' })
    .to('out'),
);
const facts = (over: Partial<PlanFacts> = {}): PlanFacts => ({
  prefix: 'app',
  incarnation: 1,
  parallelism: null,
  maxParallelism: 128,
  sourcePartitions: new Map([['clicks', 6]]),
  ...over,
});

describe('planJob', () => {
  it('gives shuffles as many partitions as the widest source has', () => {
    const plan = planJob(topology, facts());
    expect(plan.parallelism).toBe(6);
    expect(
      plan.stages.map(({ stage, partitions, changelog }) => [stage.name, partitions, changelog]),
    ).toEqual([
      ['clicks', 6, 'app-clicks-changelog'],
      ['by-user', 6, 'app-by-user-changelog'],
    ]);
    expect(plan.shuffles.get('by-user')).toBe('app-by-user-shuffle');
  });

  it('takes the parallelism that is asked for, and never more than there are key groups', () => {
    expect(planJob(topology, facts({ parallelism: 3 })).stages.map(({ partitions }) => partitions)).toEqual([
      6, 3,
    ]);
    expect(planJob(topology, facts({ parallelism: 300 })).parallelism).toBe(128);
  });

  it('names every task once', () => {
    const plan = planJob(topology, facts({ parallelism: 2 }));
    expect(allTasks(plan).map(({ stage, partition }) => `${stage}/${partition}`)).toEqual([
      'clicks/0',
      'clicks/1',
      'clicks/2',
      'clicks/3',
      'clicks/4',
      'clicks/5',
      'by-user/0',
      'by-user/1',
    ]);
    const shuffled = plan.stages[1]?.inputs[0];
    expect(shuffled === undefined ? 0 : inputPartitions(plan, shuffled)).toBe(2);
  });
});
