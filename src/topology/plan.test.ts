import fc from 'fast-check';
import { defineJob } from '../dsl/job';
import type { JobEnvironment } from '../dsl/env';
import { isTidemarkError } from '../errors';
import { labelOf } from './labels';
import type { Topology } from './stage';
import { inputId } from './stage-input';

const plan = (define: (env: JobEnvironment) => unknown): Topology => defineJob('job', define).topology;

/** The topology as short texts: `stage: inputs > nodes > stores`. */
const summary = ({ stages }: Topology): string[] =>
  stages.map((stage) => {
    const inputs = stage.inputs.map((input) =>
      input.kind === 'shuffle' ? `${inputId(input)} of ${input.upstream}` : inputId(input),
    );
    const stores = stage.stores.map((store) => store.name);
    return [
      `${stage.name}: ${inputs.join(', ')}`,
      stage.nodes.map(labelOf).join(', '),
      stores.join(', '),
    ].join(' > ');
  });

function problem(define: (env: JobEnvironment) => unknown): string {
  try {
    plan(define);
  } catch (error) {
    if (isTidemarkError(error)) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'nothing thrown';
}

const key = (): string => 'k';

describe('stages', () => {
  it('are cut at a shuffle', () => {
    const topology = plan((env) =>
      env.source('clicks').keyBy(key, { name: 'by-user' }).count({ name: 'counts' }).to('out'),
    );
    expect(summary(topology)).toEqual([
      'clicks: clicks > source clicks, keyBy by-user > ',
      'by-user: shuffle:by-user of clicks > count counts, to out > counts',
    ]);
    expect(topology.stages.map((stage) => [stage.index, stage.sinks.length, stage.shuffles.length])).toEqual([
      [0, 0, 1],
      [1, 1, 0],
    ]);
  });

  it('are not cut by a keyBy in place', () => {
    const topology = plan((env) =>
      env.source('clicks', { partitionedBy: key }).keyBy().count({ name: 'counts' }).to('out'),
    );
    expect(summary(topology)).toEqual([
      'clicks: clicks > source clicks, keyBy clicks (in place), count counts, to out > counts',
    ]);
    expect(topology.stages[0]?.shuffles).toEqual([]);
  });

  it('stay apart when nothing joins them', () => {
    const topology = plan((env) => ['a', 'b'].forEach((topic) => env.source(topic).to('out')));
    expect(topology.stages.map((stage) => stage.name)).toEqual(['a', 'b']);
  });

  it('are joined by a merge, also behind shuffles', () => {
    const topology = plan((env) => {
      const a = env.source('a').keyBy(key, { name: 'ka' });
      const b = env.source('b').keyBy(key, { name: 'kb' });
      b.merge(a).count({ name: 'n' }).to('out');
    });
    expect(summary(topology)).toEqual([
      'a: a > source a, keyBy ka > ',
      'b: b > source b, keyBy kb > ',
      'ka: shuffle:ka of a, shuffle:kb of b > merge, count n, to out > n',
    ]);
  });

  it('take the name of their first source, or of a keyBy that feeds them beside a source', () => {
    const topology = plan((env) => {
      env.source('b').merge(env.source('a')).to('out');
      env
        .source('c')
        .merge(env.source('d').keyBy(key, { name: 'kd' }))
        .to('out');
    });
    expect(topology.stages.map((stage) => [stage.name, stage.inputs.map(inputId)])).toEqual([
      ['b', ['b', 'a']],
      ['d', ['d']],
      ['kd', ['c', 'shuffle:kd']],
    ]);
  });

  it('share one reading end of a shuffle that is used twice', () => {
    const topology = plan((env) => {
      const keyed = env.source('a').keyBy(key, { name: 'k' });
      keyed.count({ name: 'n' }).to('counts');
      keyed.map((value) => value).to('copies');
    });
    expect(topology.stages.map((stage) => stage.name)).toEqual(['a', 'k']);
    expect(topology.stages[1]?.inputs).toHaveLength(1);
  });

  it('come after what they read, however deep', () => {
    const topology = plan((env) => {
      const late = env
        .source('z')
        .keyBy(key, { name: 'k1' })
        .keyBy(key, { name: 'k2' })
        .keyBy(key, { name: 'k3' });
      env.source('a').keyBy(key, { name: 'k0' }).merge(late).to('out');
    });
    expect(topology.stages.map((stage) => stage.name)).toEqual(['z', 'a', 'k1', 'k2', 'k3']);
    topology.stages.forEach((stage, index) => expect(stage.index).toBe(index));
  });

  it('are found for long chains without recursion', () => {
    const topology = plan((env) => {
      let stream = env.source('a');
      for (let i = 0; i < 3000; i++) stream = stream.map((value) => value);
      stream.to('out');
    });
    expect(topology.stages).toHaveLength(1);
  });

  it('are immutable', () => {
    const topology = plan((env) => env.source('a').to('out'));
    const stage = topology.stages[0]!;
    const parts = [
      topology,
      topology.stages,
      stage,
      stage.nodes,
      stage.inputs,
      stage.sinks,
      stage.shuffles,
      stage.stores,
    ];
    expect(parts.every(Object.isFrozen)).toBe(true);
  });
});

describe('planTopology refuses', () => {
  it.each<[string, (env: JobEnvironment) => unknown, RegExp]>([
    ['a job without sink', (env) => env.source('a').map((v) => v), /^TM1004 job 'job' has no sink/],
    [
      'one source topic twice',
      (env) => [env.source('a').to('x'), env.source('a').to('y')],
      /^TM1004 source a reads the topic 'a', and so does source a/,
    ],
    [
      'one keyBy name twice',
      (env) => env.source('a').keyBy(key, { name: 'k' }).keyBy(key, { name: 'k' }).to('x'),
      /^TM1004 keyBy k shuffles under the name 'k', and so does keyBy k/,
    ],
    [
      'one state name twice',
      (env) =>
        env
          .source('a')
          .keyBy(key, { name: 'k' })
          .count({ name: 'n' })
          .reduce((x) => x, { name: 'n' })
          .to('x'),
      /^TM1004 reduce n keeps state under the name 'n', and so does count n/,
    ],
    [
      'a source that is not used',
      (env) => [env.source('a'), env.source('b').to('x')],
      /nothing takes the records of source a/,
    ],
    [
      'a shuffle that is not used',
      (env) => [env.source('a').keyBy(key, { name: 'k' }), env.source('b').to('x')],
      /nothing takes the records of keyBy k/,
    ],
    [
      'a keyBy with the name of a source topic',
      (env) => env.source('a').keyBy(key, { name: 'a' }).to('x'),
      /^TM1004 two stages would be called 'a'/,
    ],
    [
      'a stage that feeds itself',
      (env) => {
        const a = env.source('a');
        a.keyBy(key, { name: 'k' }).merge(a).to('x');
      },
      /^TM1004 merge\(\) joins a stream with one that a keyBy made out of it: the stages 'k'/,
    ],
    [
      'a longer circle',
      (env) => {
        const first = env.source('a').keyBy(key, { name: 'k1' });
        first.keyBy(key, { name: 'k2' }).merge(first).to('x');
      },
      /the stages 'k1' would feed themselves/,
    ],
  ])('%s', (_name, define, message) => {
    expect(problem(define)).toMatch(message);
  });
});

describe('the fingerprint', () => {
  interface Change {
    readonly topic?: string;
    readonly shuffle?: string;
    readonly store?: string;
    readonly sink?: string;
    readonly maps?: number;
    readonly flipped?: boolean;
  }
  const fingerprint = (change: Change = {}): string =>
    plan((env) => {
      const {
        topic = 'clicks',
        shuffle = 'by-user',
        store = 'counts',
        sink = 'out',
        maps = 0,
        flipped = false,
      } = change;
      const counts = (): void => {
        let stream = env.source(topic);
        for (let i = 0; i < maps; i++) stream = stream.map((value) => value);
        stream.keyBy(key, { name: shuffle }).count({ name: store }).to(sink);
      };
      const other = (): void => env.source('views').to('copies');
      (flipped ? [other, counts] : [counts, other]).forEach((declare) => declare());
    }).fingerprint;

  it('is 16 hex digits, the same at every start', () => {
    expect(fingerprint()).toBe('65880a429e320139');
  });

  it('does not change with code, sinks or the order of declarations', () => {
    fc.assert(
      fc.property(fc.nat(4), fc.boolean(), fc.constantFrom('out', 'elsewhere'), (maps, flipped, sink) => {
        expect(fingerprint({ maps, flipped, sink })).toBe(fingerprint());
      }),
      { numRuns: 30 },
    );
  });

  it('changes with every durable name', () => {
    const changes: Change[] = [{}, { topic: 'x' }, { shuffle: 'x' }, { store: 'x' }];
    expect(new Set(changes.map(fingerprint)).size).toBe(changes.length);
  });
});
