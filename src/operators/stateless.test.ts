import { bytes, json, string } from '../index';
import { numbers, pushAll, taskOf } from './testing/definitions';

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
        .source('in', { value: json<object | null>() })
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
