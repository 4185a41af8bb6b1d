import { TidemarkError } from '../errors';
import { json, number } from '../index';
import { AssertionError } from '../util/asserts';
import { failure, numbers, pushAll, stageOf, taskOf } from './testing/definitions';
import { MemoryTask } from './testing/memory-task';

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
    expect(error.describe()).toMatch(/^TM3002 an operator threw: too far \(in-0@0\): correct the operator /);
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
