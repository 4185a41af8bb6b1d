import { isTidemarkError, type TidemarkError } from '../errors';
import { defineJob, json, valueState, type JobEnvironment } from '../index';

/** As JavaScript sees it: no types stand in the way of a mistake. */
/* eslint-disable-next-line @typescript-eslint/no-explicit-any */
type Untyped = any;

const key = (): string => 'k';

function problem(action: () => unknown): TidemarkError {
  try {
    action();
  } catch (error) {
    if (isTidemarkError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a wrong definition is TM1004 and names the call', () => {
  const keyed = (env: JobEnvironment): Untyped => env.source('clicks').keyBy(key, { name: 'k' });

  it.each<[string, (env: Untyped) => unknown, string]>([
    ['a keyBy without name', (env) => env.source('clicks').keyBy(key), 'keyBy() has no name'],
    [
      'a keyBy with a bad name',
      (env) => env.source('clicks').keyBy(key, { name: 'by user' }),
      "keyBy(): the name 'by user' is not allowed",
    ],
    [
      'a keyBy named ..',
      (env) => env.source('clicks').keyBy(key, { name: '..' }),
      "keyBy(): the name '..' is not allowed",
    ],
    ['a keyBy without function', (env) => env.source('clicks').keyBy(), 'keyBy() needs a function'],
    ['count without options', (env) => keyed(env).count(), 'count() has no name'],
    ['count without name', (env) => keyed(env).count({}), 'count() has no name'],
    [
      'count with a long name',
      (env) => keyed(env).count({ name: 'n'.repeat(101) }),
      `count(): the name '${'n'.repeat(101)}' is not allowed`,
    ],
    [
      'count with a number as name',
      (env) => keyed(env).count({ name: 7 }),
      'count(): the name of type number is not allowed',
    ],
    ['reduce without name', (env) => keyed(env).reduce(key), 'reduce() has no name'],
    [
      'reduce without function',
      (env) => keyed(env).reduce(undefined, { name: 'n' }),
      'reduce() needs a function',
    ],
    [
      'aggregate without name',
      (env) => keyed(env).aggregate({ init: key, add: key }),
      'aggregate() has no name',
    ],
    ['aggregate without options', (env) => keyed(env).aggregate(), 'aggregate() has no name'],
    [
      'aggregate without init',
      (env) => keyed(env).aggregate({ name: 'n', add: key }),
      "aggregate() 'n': init needs a function",
    ],
    [
      'aggregate without add',
      (env) => keyed(env).aggregate({ name: 'n', init: key }),
      "aggregate() 'n': add needs a function",
    ],
    ['process without name', (env) => keyed(env).process({}, key), 'process() has no name'],
    ['process without function', (env) => keyed(env).process({ name: 'p' }), 'process() needs a function'],
    [
      'process with undeclared state',
      (env) => keyed(env).process({ name: 'p', state: { s: 1 } }, key),
      "process() 'p': state 's' is not declared",
    ],
    [
      'process with a bad state name',
      (env) => keyed(env).process({ name: 'p', state: { 'a b': valueState() } }, key),
      "process() 'p': state 'a b': the name 'p.a b' is not allowed",
    ],
    [
      'state without keyBy',
      (env) => env.source('clicks').count({ name: 'n' }),
      'count() needs a keyBy() before it',
    ],
    [
      'state behind a merge with unkeyed records',
      (env) => keyed(env).merge(env.source('u')).count({ name: 'n' }),
      'count() needs a keyBy() before it',
    ],
    [
      'state behind a merge of streams that are keyed in different ways',
      (env) =>
        keyed(env)
          .merge(env.source('u', { partitionedBy: key }).keyBy())
          .count({ name: 'n' }),
      'count() follows a merge() of a stream keyed in place and one keyed by a shuffle',
    ],
    ['merge of nothing', (env) => env.source('clicks').merge(), 'merge() was given no stream'],
    [
      'merge with something else',
      (env) => env.source('clicks').merge({}),
      'merge() was given something that is no stream of this job',
    ],
    ['branch without branches', (env) => env.source('clicks').branch({}), 'branch() has no branches'],
    [
      'branch with a number as name',
      (env) => env.source('clicks').branch({ a: key, 1: key }),
      "branch(): '1' cannot be the name of a branch",
    ],
    [
      'branch behind a catch-all',
      (env) => env.source('clicks').branch({ a: true, b: key }),
      "branch(): 'a' takes everything, so 'b' gets nothing",
    ],
    [
      'branch without predicate',
      (env) => env.source('clicks').branch({ a: 'x' }),
      "branch() 'a' needs a function",
    ],
    ['map without function', (env) => env.source('clicks').map(), 'map() needs a function'],
    [
      'an async function',
      (env) => env.source('clicks').map(async () => 1),
      'map() was given an async function',
    ],
    [
      'an async generator',
      (env) => env.source('clicks').flatMap(async function* () {}),
      'flatMap() was given an async function',
    ],
    [
      'a source without topic',
      (env) => env.source(),
      'source(): the topic name of type undefined is not allowed',
    ],
    [
      'a source with a bad topic',
      (env) => env.source('a/b'),
      "source(): the topic name 'a/b' is not allowed",
    ],
    [
      'a bad startFrom',
      (env) => env.source('clicks', { startFrom: 'now' }),
      "source('clicks'): startFrom is 'now'",
    ],
    [
      'a bad badInput',
      (env) => env.source('clicks', { badInput: 'ignore' }),
      "source('clicks'): badInput is 'ignore'",
    ],
    [
      'a bad dead-letter topic',
      (env) => env.source('clicks', { badInput: { deadLetter: '' } }),
      "source('clicks'): badInput: the topic name '' is not allowed",
    ],
    [
      'a source with something else for a serde',
      (env) => env.source('clicks', { value: json }),
      "source('clicks'): value was given something that is no serde",
    ],
    [
      'a sink with something else for a serde',
      (env) => env.source('clicks').to('out', { value: 'json' }),
      'to() was given something that is no serde',
    ],
    [
      'a sink with a bad topic',
      (env) => env.source('clicks').to('a b'),
      "to(): the topic name 'a b' is not allowed",
    ],
  ])('%s', (_name, define, message) => {
    const error = problem(() => defineJob('job', define));
    expect([error.code, error.reaction, error.message]).toEqual(['TM1004', 'usage', message]);
    expect(error.hint).toBeTruthy();
  });

  it.each(['', 'a b', 'a/b', '.', 'x'.repeat(101)])('a job called %p', (name) => {
    expect(problem(() => defineJob(name, (env) => env.source('t').to('out'))).message).toMatch(
      /^defineJob\(\)/,
    );
  });

  it('says where in the pipeline', () => {
    const error = problem(() =>
      defineJob('job', (env) =>
        env
          .source('clicks')
          .filter(key as Untyped)
          .keyBy(key)
          .to('out'),
      ),
    );
    expect(error.where).toBe('source clicks > filter');
  });

  it('an async definition', () => {
    const define = async (): Promise<void> => undefined;
    expect(problem(() => defineJob('job', define)).message).toBe('defineJob() was given an async function');
  });

  it('a definition that returns a promise', () => {
    const define = (env: JobEnvironment): unknown => {
      env.source('t').to('out');
      return Promise.resolve();
    };
    expect(problem(() => defineJob('job', define)).message).toBe(
      "the definition of job 'job' returned a promise",
    );
  });

  it('a stream that is used after the definition', () => {
    let kept: Untyped;
    defineJob('job', (env) => {
      kept = env.source('t');
      kept.to('out');
    });
    expect(problem(() => kept.map(key)).message).toBe('map() is called after the job was defined');
  });

  it('a stream of another job', () => {
    let foreign: Untyped;
    defineJob('one', (env) => {
      foreign = env.source('t');
      foreign.to('out');
    });
    expect(problem(() => defineJob('two', (env) => env.source('u').merge(foreign).to('out'))).code).toBe(
      'TM1004',
    );
  });
});
