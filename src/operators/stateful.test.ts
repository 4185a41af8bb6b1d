import { json, mapState, string, valueState, type JobEnvironment } from '../index';
import type { StateKey } from '../state/store';
import { failure, keyBytes, numbers, stageOf } from './testing/definitions';
import { MemoryTask } from './testing/memory-task';

describe('operators with state', () => {
  const grouped = (env: JobEnvironment) => numbers(env).keyBy((n) => n % 2, { name: 'parity' });
  const parityTask = (define: (env: JobEnvironment) => unknown): MemoryTask =>
    new MemoryTask(stageOf(define, 'parity'));
  const feed = (task: MemoryTask, ...values: readonly (number | null)[]): void =>
    values.forEach((n) =>
      task.push('shuffle:parity', { key: keyBytes((n ?? 0) % 2), value: n === null ? null : `${n}` }),
    );

  it('count counts by key and skips null values', () => {
    const task = parityTask((env) => grouped(env).count({ name: 'n' }).to('out'));
    feed(task, 1, 2, 3, null, 5);
    expect(task.output('out')).toEqual(['1=1', '0=1', '1=2', '1=3']);
    expect(task.env.stores.get('n')?.get(1)).toBe(3);
  });

  it('count has one store behind a merge, whichever input a record comes by', () => {
    const task = parityTask((env) => {
      const first = grouped(env);
      const others = env.source('others', { value: json<number>() });
      first
        .merge(others.keyBy((n) => n % 2, { name: 'others-parity' }))
        .count({ name: 'n' })
        .to('out');
    });
    feed(task, 1);
    task.push('shuffle:others-parity', { key: keyBytes(1), value: '7' });
    expect(task.output('out')).toEqual(['1=1', '1=2']);
  });

  it('reduce starts with the first value', () => {
    const task = parityTask((env) =>
      grouped(env)
        .reduce((a, b) => a * b, { name: 'product' })
        .to('out'),
    );
    feed(task, 3, 2, 5);
    expect(task.output('out')).toEqual(['1=3', '0=2', '1=15']);
  });

  it('aggregate keeps the accumulator and emits the result', () => {
    const task = parityTask((env) =>
      grouped(env)
        .aggregate({
          name: 'all',
          init: (): number[] => [],
          add: (list, n, ctx) => [...list, n, ctx.timestamp],
          result: (list) => list.length,
        })
        .to('out'),
    );
    feed(task, 1, 3);
    expect(task.output('out')).toEqual(['1=2', '1=4']);
    expect(task.env.stores.get('all')?.get(1)).toEqual([1, 0, 3, 0]);
  });

  it.each([undefined, null])('aggregate refuses the accumulator %p before it is stored', (nothing) => {
    const task = parityTask((env) =>
      grouped(env)
        .reduce((() => nothing) as () => never, { name: 'r' })
        .to('out'),
    );
    feed(task, 1);
    const error = failure(() => feed(task, 3));
    expect([error.code, error.message]).toEqual(['TM3002', `the new accumulator of 'r' is ${nothing}`]);
    expect(task.env.stores.get('r')?.get(1)).toBe(1);
  });

  it('process reads and writes the state of its key and emits any number of times', () => {
    const state = {
      last: valueState<number>(),
      seen: mapState<string, number>(),
      list: valueState<number[]>({ value: json(), default: [] }),
    };
    const task = parityTask((env) =>
      grouped(env)
        .process({ name: 'p', state, emits: string() }, (n, { key, state: { last, seen, list }, emit }) => {
          const values = list.get();
          values.push(n);
          list.set(values);
          seen.set(`n${n}`, (seen.get(`n${n}`) ?? 0) + 1);
          if (n === 7) {
            last.clear();
            seen.delete('n1');
          }
          emit(`${key}: last ${last.get()}, n1 ${seen.get('n1')}`);
          emit(values.join());
          last.set(n);
        })
        .to('out'),
    );
    feed(task, 1, 2, 3, 7);
    expect(task.output('out')).toEqual([
      '1=1: last undefined, n1 1',
      '1=1',
      '0=0: last undefined, n1 undefined',
      '0=2',
      '1=1: last 1, n1 1',
      '1=1,3',
      '1=1: last undefined, n1 undefined',
      '1=1,3,7',
    ]);
    expect(task.env.stores.get('p.seen')?.get([1, 'n7'])).toBe(1);
    expect(task.env.stores.get('p.seen')?.get([0, 'n2'])).toBe(1);
  });

  it('keeps map entries of the key a and the key [a] apart', () => {
    const task = new MemoryTask(
      stageOf(
        (env) =>
          env
            .source('in', { value: json<boolean>() })
            .keyBy((tuple): StateKey => (tuple ? ['a'] : 'a'), { name: 'k' })
            .process({ name: 'p', state: { m: mapState<string, number>() } }, (_value, ctx) => {
              ctx.state.m.set('x', (ctx.state.m.get('x') ?? 0) + 1);
              ctx.emit(ctx.state.m.get('x'));
            })
            .to('out'),
        'k',
      ),
    );
    task.push('shuffle:k', { key: keyBytes('a'), value: 'false' });
    task.push('shuffle:k', { key: keyBytes(['a']), value: 'true' });
    expect(task.output('out')).toEqual(['a=1', '["a"]=1']);
  });

  it('process refuses a context that is used after the call', () => {
    const kept: (() => void)[] = [];
    const task = parityTask((env) =>
      grouped(env)
        .process({ name: 'late', state: { v: valueState<number>() } }, (_n, ctx) => {
          kept.push(
            () => ctx.emit(1),
            () => ctx.state.v.set(1),
            () => ctx.key,
          );
        })
        .to('out'),
    );
    feed(task, 1);
    for (const use of kept) expect(failure(use).message).toMatch(/process 'late' used its context after/);
    expect([task.output('out'), task.env.stores.get('late.v')?.size]).toEqual([[], 0]);
  });

  it.each([undefined, null])('process state cannot be set to %p', (nothing) => {
    const task = parityTask((env) =>
      grouped(env)
        .process({ name: 'p', state: { v: valueState<number>() } }, (_n, ctx) =>
          ctx.state.v.set(nothing as never),
        )
        .to('out'),
    );
    expect(failure(() => feed(task, 1)).message).toBe(`the state 'p.v' cannot be set to ${nothing}`);
  });
});
