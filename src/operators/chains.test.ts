import { isTidemarkError, TidemarkError } from '../errors';
import { bytes, defineJob, json, mapState, number, string, valueState } from '../index';
import type { JobEnvironment } from '../index';
import { encodeStateKey } from '../serde/ordered-key';
import type { StateKey } from '../state/store';
import type { Stage } from '../topology/stage';
import { AssertionError } from '../util/asserts';
import { ByteWriter } from '../util/byte-writer';
import { murmur2, toPositive } from '../util/murmur2';
import { MemoryTask } from './testing/memory-task';

interface Click {
  readonly user: string;
  readonly page: string;
}

function stageOf(define: (env: JobEnvironment) => unknown, name: string): Stage {
  const stage = defineJob('test', define).topology.stages.find((candidate) => candidate.name === name);
  if (stage === undefined) throw new Error(`no stage ${name}`);
  return stage;
}

const taskOf = (define: (env: JobEnvironment) => unknown): MemoryTask =>
  new MemoryTask(stageOf(define, 'in'));

function failure(action: () => unknown): TidemarkError {
  try {
    action();
  } catch (error) {
    if (isTidemarkError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function keyBytes(key: StateKey): Buffer {
  const out = new ByteWriter();
  encodeStateKey(key, out);
  return out.toBuffer();
}

const numbers = (env: JobEnvironment): ReturnType<typeof env.source<number>> =>
  env.source('in', { value: json<number>() });
const pushAll = (task: MemoryTask, ...values: readonly unknown[]): void =>
  values.forEach((value) => task.push('in', { key: 'k', value: JSON.stringify(value) }));

describe('stateless operators', () => {
  it('map, filter, flatMap and peek in one chain', () => {
    const seen: number[] = [];
    const task = taskOf((env) =>
      numbers(env)
        .peek((n) => seen.push(n))
        .map((n) => n * 10)
        .filter((n) => n > 10)
        .flatMap(function* (n) {
          yield n;
          yield n + 1;
        })
        .to('out'),
    );
    pushAll(task, 1, 2, 3);
    expect(task.output('out')).toEqual(['k=20', 'k=21', 'k=30', 'k=31']);
    expect(seen).toEqual([1, 2, 3]);
  });

  it('give functions the record they are called for', () => {
    const task = taskOf((env) =>
      env
        .source('in', { value: string(), key: string() })
        .map((value, ctx) => [
          value,
          ctx.key,
          ctx.timestamp,
          ctx.topic,
          ctx.partition,
          ctx.offset,
          ctx.headers().length,
        ])
        .to('out'),
    );
    task.push('in', { key: 'a', value: 'x', timestamp: 5, headers: [{ key: 'h', value: null }] });
    task.push('in', { key: null, value: 'y' });
    expect(task.output('out')).toEqual(['a=["x","a",5,"in",0,0,1]', '~=["y",null,0,"in",0,1,0]']);
  });

  it('branch asks each predicate at most once and drops what no branch takes', () => {
    const asked: string[] = [];
    const ask = (name: string, limit: number) => (n: number) => {
      asked.push(`${name}${n}`);
      return n >= limit;
    };
    const task = taskOf((env) => {
      const { big, middle } = numbers(env).branch({ big: ask('b', 100), middle: ask('m', 10) });
      big.to('big');
      middle.to('middle');
      middle.map((n) => -n).to('middle');
    });
    pushAll(task, 100, 50, 1);
    expect([task.output('big'), task.output('middle')]).toEqual([['k=100'], ['k=50', 'k=-50']]);
    expect(asked).toEqual(['b100', 'b50', 'm50', 'b1', 'm1']);
  });

  it('branch with true takes what is left', () => {
    const task = taskOf((env) => {
      const { even, odd } = numbers(env).branch({ even: (n) => n % 2 === 0, odd: true });
      even.map((n) => `even ${n}`).to('out');
      odd.map((n) => `odd ${n}`).to('out');
    });
    pushAll(task, 1, 2);
    expect(task.output('out')).toEqual(['k="odd 1"', 'k="even 2"']);
  });

  it('merge takes the records of all, twice of a stream that is merged with itself', () => {
    const task = taskOf((env) => {
      const source = numbers(env);
      source
        .merge(
          source,
          source.map((n) => n + 1),
        )
        .to('out');
      env.source('other', { value: json<number>() }).merge(source).to('both');
    });
    pushAll(task, 1);
    task.push('other', { value: '7' });
    expect(task.output('out').sort()).toEqual(['k=1', 'k=1', 'k=2']);
    expect(task.output('both')).toEqual(['k=1', '~=7']);
  });

  it('pass a tombstone on as null, to a tombstone', () => {
    const task = taskOf((env) =>
      env
        .source('in', { value: json<Click | null>() })
        .filter((value) => value === null)
        .to('out'),
    );
    task.push('in', { key: 'gone', value: null });
    expect(task.output('out')).toEqual(['gone=~']);
  });

  it('keep the bytes of an unchanged source', () => {
    const task = taskOf((env) =>
      env
        .source('in', { value: bytes(), key: bytes() })
        .filter(() => true)
        .to('out'),
    );
    const raw = Buffer.from([0xff, 0x00, 0x80]);
    task.push('in', { key: raw, value: raw });
    expect(task.env.sunk[0]).toEqual({ topic: 'out', key: raw, value: raw, timestamp: 0 });
  });
});

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

describe('what goes wrong with a record', () => {
  it('TM3001 for a value or key that cannot be read, with its place', () => {
    const task = taskOf((env) =>
      env
        .source('in', { value: json(), key: number() })
        .map((v) => v)
        .to('out'),
    );
    const value = failure(() => task.push('in', { value: '{' }));
    expect([value.code, value.reaction, value.where]).toEqual(['TM3001', 'stop', 'in-0@0']);
    expect(value.message).toMatch(/^the value is not readable as json: /);
    expect(value.cause).toBeInstanceOf(SyntaxError);
    const key = failure(() => task.push('in', { key: 'short', value: '1' }));
    expect([key.code, key.where]).toEqual(['TM3001', 'in-0@1']);
    expect(key.message).toMatch(/^the key is not readable as number: /);
  });

  it('does not read a key that nobody can see', () => {
    const task = taskOf((env) => {
      const source = env.source('in', { value: json(), key: number() });
      source
        .merge(source)
        .keyBy(() => 'all', { name: 'all' })
        .to('out');
    });
    task.push('in', { key: 'not 8', value: '1' });
    expect(task.env.shuffled).toHaveLength(2);
  });

  it('TM3001 for a damaged shuffle key', () => {
    const task = new MemoryTask(
      stageOf(
        (env) =>
          numbers(env)
            .keyBy((n) => n, { name: 'k' })
            .to('out'),
        'k',
      ),
    );
    const error = failure(() => task.push('shuffle:k', { key: 'text', value: '1' }));
    expect([error.code, error.where]).toEqual(['TM3001', 'shuffle:k-0@0']);
    expect(failure(() => task.push('shuffle:k', { key: null, value: '1' })).code).toBe('TM3001');
  });

  it('TM3002 for what an operator throws, with the cause', () => {
    const cause = new RangeError('too far');
    const task = taskOf((env) =>
      numbers(env)
        .map(() => {
          throw cause;
        })
        .to('out'),
    );
    const error = failure(() => pushAll(task, 1));
    expect(error.describe()).toBe('TM3002 an operator threw: too far (in-0@0)');
    expect(error.cause).toBe(cause);
  });

  it('TM3005 of a sink keeps its code and gets its place', () => {
    const task = taskOf((env) =>
      numbers(env)
        .map(() => undefined)
        .to('out'),
    );
    const error = failure(() => pushAll(task, 1));
    expect([error.code, error.where]).toEqual(['TM3005', 'in-0@0']);
  });

  it('leaves errors of the runtime and bugs as they are', () => {
    const fenced = new TidemarkError('TM5001', 'rejoin', 'fenced');
    const bug = new AssertionError('a bug');
    for (const thrown of [fenced, bug]) {
      const task = taskOf((env) =>
        numbers(env)
          .map(() => {
            throw thrown;
          })
          .to('out'),
      );
      expect(() => pushAll(task, 1)).toThrow(thrown);
    }
  });
});
