import example from '../../examples/click-counts';
import { bytes, defineJob, isJob, json, number, string, valueState, type JobEnvironment } from '../index';
import { labelOf } from '../topology/labels';
import type { GraphNode } from '../topology/graph';

const key = (): string => 'k';
const nodesOf = (define: (env: JobEnvironment) => unknown): readonly GraphNode[] =>
  defineJob('job', define).graph.nodes;

describe('defineJob', () => {
  const job = defineJob('click-counts', (env) =>
    env
      .source('clicks', { value: json<{ userId: string }>() })
      .keyBy((c) => c.userId, { name: 'by-user' })
      .count({ name: 'counts' })
      .to('user-counts'),
  );

  it('makes a graph of frozen nodes that point at their inputs', () => {
    expect(job.graph.nodes.map((node) => [node.id, labelOf(node), node.inputs])).toEqual([
      [0, 'source clicks', []],
      [1, 'keyBy by-user', [0]],
      [2, 'count counts', [1]],
      [3, 'to user-counts', [2]],
    ]);
    const frozen = [
      job,
      job.graph,
      job.graph.nodes,
      ...job.graph.nodes,
      ...job.graph.nodes.map((node) => node.inputs),
    ];
    expect(frozen.every(Object.isFrozen)).toBe(true);
  });

  it('fills in what the source leaves out', () => {
    expect(job.graph.nodes[0]).toMatchObject({
      startFrom: 'earliest',
      badInput: undefined,
      partitionedBy: undefined,
    });
    expect(job.graph.nodes[0]).toMatchObject({ key: string(), value: json() });
  });

  it('is recognised by its brand, also from another copy of the package', () => {
    expect(isJob(job)).toBe(true);
    expect(isJob({ [Symbol.for('tidemark.job')]: true })).toBe(true);
    expect([{}, null, undefined, 'job', { name: 'job' }].some(isJob)).toBe(false);
  });

  it('takes the example of the documentation', () => {
    expect(example.topology.stages.map((stage) => stage.name)).toEqual(['clicks', 'by-user']);
    expect(example.topology.fingerprint).toBe(job.topology.fingerprint);
  });

  it('takes each kind of bad-input policy', () => {
    const policies = (['fail', 'skip', { deadLetter: 'bad' }] as const).map((badInput) => {
      const [source] = nodesOf((env) => env.source('t', { badInput }).to('out'));
      return source?.kind === 'source' ? source.badInput : undefined;
    });
    expect(policies).toEqual([{ kind: 'fail' }, { kind: 'skip' }, { kind: 'dead-letter', topic: 'bad' }]);
  });
});

describe('serdes that are not named', () => {
  const sinkOf = (define: (env: JobEnvironment) => unknown): [string, string] => {
    const node = nodesOf(define).find((candidate) => candidate.kind === 'sink');
    return node?.kind === 'sink' ? [node.key.name, node.value.name] : ['', ''];
  };

  it('are those of the source while value and key are the source’s', () => {
    const raw = { key: number(), value: bytes() };
    expect(
      sinkOf((env) =>
        env
          .source('t', raw)
          .filter(() => true)
          .peek(key)
          .branch({ all: true })
          .all.to('out'),
      ),
    ).toEqual(['number', 'bytes']);
    expect(sinkOf((env) => env.source('t', raw).merge(env.source('u', raw)).to('out'))).toEqual([
      'number',
      'bytes',
    ]);
    expect(sinkOf((env) => env.source('t', raw).keyBy(key, { name: 'k' }).to('out'))).toEqual([
      'text',
      'bytes',
    ]);
    expect(
      sinkOf((env) =>
        env
          .source('t', raw)
          .map((v) => v)
          .to('out'),
      ),
    ).toEqual(['number', 'json']);
    expect(sinkOf((env) => env.source('t', raw).merge(env.source('u')).to('out'))).toEqual(['text', 'json']);
  });

  it('follow what state and process say', () => {
    const keyed = (env: JobEnvironment) =>
      env.source('t', { value: json<number>() }).keyBy(key, { name: 'k' });
    expect(sinkOf((env) => keyed(env).count({ name: 'n' }).to('out'))).toEqual(['text', 'json']);
    expect(
      sinkOf((env) =>
        keyed(env)
          .reduce((a) => a, { name: 'n', value: number() })
          .to('out'),
      ),
    ).toEqual(['text', 'number']);
    expect(
      sinkOf((env) =>
        keyed(env)
          .process({ name: 'p', emits: string() }, () => undefined)
          .to('out'),
      ),
    ).toEqual(['text', 'string']);
    expect(
      sinkOf((env) => keyed(env).count({ name: 'n' }).to('out', { key: string(), value: number() })),
    ).toEqual(['string', 'number']);
  });

  it('an in-place keyBy keeps the key serde of the source', () => {
    const partitionedBy = (): number => 1;
    expect(
      sinkOf((env) =>
        env.source('t', { key: number(), partitionedBy }).keyBy().count({ name: 'n' }).to('out'),
      ),
    ).toEqual(['number', 'json']);
  });
});

describe('a keyBy of the function that the source is partitioned by', () => {
  const keyBys = (define: (env: JobEnvironment) => unknown): boolean[] =>
    nodesOf(define).flatMap((node) => (node.kind === 'key-by' ? [node.inPlace] : []));
  const other = (): string => 'other';

  it('stays in place', () => {
    expect(keyBys((env) => env.source('t', { partitionedBy: key }).keyBy(key).to('out'))).toEqual([true]);
    expect(
      keyBys((env) =>
        env
          .source('t', { partitionedBy: key })
          .filter(() => true)
          .peek(key)
          .keyBy()
          .to('out'),
      ),
    ).toEqual([true]);
    expect(
      keyBys((env) => env.source('t', { partitionedBy: key }).branch({ a: true }).a.keyBy().to('out')),
    ).toEqual([true]);
  });

  it('shuffles when the function or the values are others', () => {
    const name = { name: 'k' };
    expect(keyBys((env) => env.source('t', { partitionedBy: key }).keyBy(other, name).to('out'))).toEqual([
      false,
    ]);
    expect(
      keyBys((env) =>
        env
          .source('t', { partitionedBy: key })
          .map((v) => v)
          .keyBy(key, name)
          .to('out'),
      ),
    ).toEqual([false]);
    expect(
      keyBys((env) =>
        env
          .source('t', { partitionedBy: key })
          .merge(env.source('u', { partitionedBy: key }))
          .keyBy(key, name)
          .to('out'),
      ),
    ).toEqual([false]);
    expect(
      keyBys((env) =>
        env.source('t', { partitionedBy: key }).keyBy().count({ name: 'n' }).keyBy(key, name).to('out'),
      ),
    ).toEqual([true, false]);
  });

  it('can be merged with another one in place and keep state', () => {
    const merged = (env: JobEnvironment): void => {
      const sources = ['t', 'u'].map((topic) => env.source(topic, { partitionedBy: key }).keyBy());
      sources[0]!.merge(sources[1]!).count({ name: 'n' }).to('out');
    };
    expect(keyBys(merged)).toEqual([true, true]);
  });
});

describe('the default of a value state', () => {
  it('is fresh for every key', () => {
    const list = valueState<number[]>({ default: [] });
    list.initial?.().push(1);
    expect(list.initial?.()).toEqual([]);
    expect(valueState<number>({ default: () => 7 }).initial?.()).toBe(7);
    expect(valueState<number>({ default: 0 }).initial?.()).toBe(0);
    expect(valueState<number>().initial).toBeUndefined();
  });
});
