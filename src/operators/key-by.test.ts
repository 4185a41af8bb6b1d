import { json, string, type JobEnvironment } from '../index';
import { murmur2, toPositive } from '../util/murmur2';
import { failure, keyBytes, stageOf, taskOf } from './testing/definitions';
import { MemoryTask } from './testing/memory-task';

interface Click {
  readonly user: string;
  readonly page: string;
}

describe('a keyBy that shuffles', () => {
  const define = (env: JobEnvironment): void =>
    env
      .source('in', { value: json<Click>() })
      .keyBy((c) => [c.user, c.page.length], { name: 'by-user' })
      .map((c, ctx) => `${c.page} by ${JSON.stringify(ctx.key)}`)
      .to('out');

  it('ends its stage with the key and the value, and starts the next with them', () => {
    const upstream = new MemoryTask(stageOf(define, 'in'));
    upstream.push('in', { key: 'ignored', value: '{"user":"u","page":"home"}', timestamp: 9 });
    expect(upstream.env.shuffled).toEqual([
      {
        topic: 'by-user',
        key: keyBytes(['u', 4]),
        value: Buffer.from('{"user":"u","page":"home"}'),
        timestamp: 9,
      },
    ]);
    const downstream = new MemoryTask(stageOf(define, 'by-user'));
    downstream.push('shuffle:by-user', upstream.env.shuffled[0]!);
    expect(downstream.output('out')).toEqual(['["u",4]="home by [\\"u\\",4]"']);
  });

  it('carries a null value', () => {
    const nulls = (env: JobEnvironment): void =>
      env
        .source('in', { value: json<Click | null>() })
        .keyBy(() => 'all', { name: 'all' })
        .to('out');
    const upstream = new MemoryTask(stageOf(nulls, 'in'));
    upstream.push('in', { value: null });
    const downstream = new MemoryTask(stageOf(nulls, 'all'));
    downstream.push('shuffle:all', upstream.env.shuffled[0]!);
    expect(downstream.output('out')).toEqual(['all=~']);
  });

  it.each([
    ['undefined', undefined],
    ['NaN', NaN],
    ['an object', {}],
    ['an array', [['nested']]],
    ['null', ['a', null]],
  ])('refuses %s as a key', (found, key) => {
    const task = taskOf((env) =>
      env
        .source('in')
        .keyBy((() => key) as () => string, { name: 'k' })
        .to('out'),
    );
    const error = failure(() => task.push('in', { value: '1' }));
    expect([error.code, error.message, error.where]).toEqual([
      'TM3002',
      `keyBy 'k': the selector returned ${found}`,
      'in-0@0',
    ]);
  });
});

describe('a keyBy in place', () => {
  const byUser = (c: Click): string => c.user;
  const define = (env: JobEnvironment): void => {
    const clicks = env.source('in', { value: json<Click>(), key: string(), partitionedBy: byUser });
    clicks
      .filter((c) => c.page !== 'skip')
      .keyBy(byUser)
      .count({ name: 'counts' })
      .to('counts');
    clicks.to('copy');
  };
  const home = toPositive(murmur2(Buffer.from('u'), 0, 1)) % 4;
  const click = { key: 'kafka-key', value: '{"user":"u","page":"p"}' };

  it('groups within the stage, and gives other consumers the source key back', () => {
    const task = new MemoryTask(stageOf(define, 'in'), home, { in: 4 });
    task.push('in', click);
    task.push('in', click);
    expect(task.output('counts')).toEqual(['u=1', 'u=2']);
    expect(task.output('copy')).toEqual([
      'kafka-key={"user":"u","page":"p"}',
      'kafka-key={"user":"u","page":"p"}',
    ]);
  });

  it('stops at a record that is not where partitionedBy says', () => {
    const elsewhere = (home + 1) % 4;
    const task = new MemoryTask(stageOf(define, 'in'), elsewhere, { in: 4 });
    const error = failure(() => task.push('in', click));
    expect([error.code, error.reaction, error.where]).toEqual(['TM3004', 'stop', `in-${elsewhere}@0`]);
    expect(error.message).toBe(`by its key the record belongs to partition ${home} of 4`);
    expect(task.env.sunk).toEqual([]);
  });
});
