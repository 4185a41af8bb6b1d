import { defineJob, json, mapState, number, string, valueState, bytes } from '../index';
import type { Context, JobEnvironment, KeyedStream, PartitionedStream, Stream } from '../index';

/** True only for the very same type, `any` included. */
type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;

/** Checked by tsc: `expectType<Expected>()(value)` does not compile when the type differs. */
const expectType =
  <Expected>() =>
  <Actual>(_value: Actual, ..._same: Same<Actual, Expected> extends true ? [] : [never]): void =>
    undefined;

interface Click {
  readonly kind: 'click';
  readonly userId: string;
  readonly shop: number;
}
interface View {
  readonly kind: 'view';
  readonly userId: string;
}
type Activity = Click | View;
const isClick = (value: Activity): value is Click => value.kind === 'click';

/** Compiled, never run: what is under test is the types. */
const jobs: Record<string, (env: JobEnvironment) => void> = {
  sources(env) {
    expectType<Stream<unknown>>()(env.source('t'));
    expectType<Stream<Click>>()(env.source('t', { value: json<Click>() }));
    expectType<Stream<Buffer>>()(env.source('t', { value: bytes(), key: number() }));
    expectType<PartitionedStream<string, Click>>()(
      env.source('t', { value: json<Click>(), partitionedBy: (c) => c.userId }),
    );
    expectType<PartitionedStream<number, Click>>()(
      env.source('t', { value: json<Click>(), key: number(), partitionedBy: (c) => c.shop }),
    );
    // @ts-expect-error a number key needs a serde
    env.source('t', { value: json<Click>(), partitionedBy: (c: Click) => c.shop });
    // @ts-expect-error no such start
    env.source('t', { startFrom: 'middle' });
    // @ts-expect-error no such policy
    env.source('t', { badInput: 'ignore' });
  },

  stateless(env) {
    const all = env.source('t', { value: json<Activity>() });
    expectType<Stream<string>>()(all.map((value) => value.userId));
    expectType<Stream<Click>>()(all.filter(isClick));
    expectType<Stream<Activity>>()(all.filter((value) => value.userId !== ''));
    expectType<Stream<string>>()(all.flatMap((value) => value.userId.split(' ')));
    expectType<Stream<Activity>>()(all.peek((_value, ctx) => expectType<Context>()(ctx)));
    const { clicks, rest } = all.branch({ clicks: isClick, rest: true });
    expectType<Stream<Click>>()(clicks);
    expectType<Stream<Activity>>()(rest);
    expectType<Stream<Activity>>()(all.branch({ a: (value) => value.userId === 'a' }).a);
    expectType<Stream<Click | View>>()(clicks.merge(env.source('u', { value: json<View>() })));
    // @ts-expect-error no such branch
    all.branch({ clicks: isClick }).views.to('out');
    // @ts-expect-error not a property of every value
    all.map((value) => value.shop);
    // @ts-expect-error state needs a keyBy
    all.count({ name: 'n' });
    // @ts-expect-error only a partitioned source is keyed without a function
    all.keyBy();
    // @ts-expect-error the context is read-only
    all.map((value, ctx) => (ctx.key = value));
  },

  keyed(env) {
    const clicks = env.source('t', { value: json<Click>() });
    const byUser = clicks.keyBy((c) => c.userId, { name: 'by-user' });
    expectType<KeyedStream<string, Click>>()(byUser);
    expectType<KeyedStream<readonly [string, number], Click>>()(
      clicks.keyBy((c) => [c.userId, c.shop], { name: 'k' }),
    );
    expectType<KeyedStream<string, number>>()(byUser.map((c) => c.shop));
    byUser.map((_c, ctx) => expectType<string>()(ctx.key));
    expectType<KeyedStream<string, number>>()(byUser.count({ name: 'n' }));
    expectType<KeyedStream<string, Click>>()(byUser.reduce((a, _b) => a, { name: 'last' }));
    expectType<KeyedStream<string, Set<number>>>()(
      byUser.aggregate({ name: 'a', init: () => new Set<number>(), add: (set, c) => set.add(c.shop) }),
    );
    expectType<KeyedStream<string, number>>()(
      byUser.aggregate({
        name: 'a',
        init: (): number[] => [],
        add: (list, c) => [...list, c.shop],
        result: (list) => list.length,
      }),
    );
    expectType<KeyedStream<string, number | Click>>()(byUser.map((c) => c.shop).merge(byUser));
    expectType<Stream<number | Click>>()(byUser.map((c) => c.shop).merge(clicks));
    expectType<KeyedStream<string, Click>>()(byUser.branch({ big: (c) => c.shop > 1 }).big);
    // @ts-expect-error a name is needed
    byUser.count();
    // @ts-expect-error a Date is no key
    clicks.keyBy(() => new Date(0), { name: 'k' });
  },

  partitioned(env) {
    const clicks = env.source('t', { value: json<Click>(), partitionedBy: (c) => c.userId });
    expectType<KeyedStream<string, Click>>()(clicks.keyBy());
    expectType<KeyedStream<string, Click>>()(clicks.filter((c) => c.shop > 1).keyBy());
    expectType<KeyedStream<number, Click>>()(clicks.keyBy((c) => c.shop, { name: 'by-shop' }));
    // @ts-expect-error the claim does not hold for mapped values
    clicks.map((c) => c.shop).keyBy();
  },

  processes(env) {
    const byUser = env.source('t', { value: json<Click>() }).keyBy((c) => c.userId, { name: 'by-user' });
    const state = {
      total: valueState<number>({ default: 0 }),
      last: valueState<Click>(),
      shops: mapState<number, string>({ value: string() }),
    };
    const out = byUser.process({ name: 'p', state, emits: json<{ total: number }>() }, (click, ctx) => {
      expectType<string>()(ctx.key);
      expectType<number>()(ctx.state.total.get());
      expectType<Click | undefined>()(ctx.state.last.get());
      expectType<string | undefined>()(ctx.state.shops.get(7));
      ctx.state.last.set(click);
      ctx.emit({ total: 1 });
      // @ts-expect-error not what it emits
      ctx.emit(1);
      // @ts-expect-error a number
      ctx.state.total.set('1');
      // @ts-expect-error keys are numbers
      ctx.state.shops.get('7');
      // @ts-expect-error not declared
      ctx.state.other.clear();
    });
    expectType<KeyedStream<string, { total: number }>>()(out);
    expectType<KeyedStream<string, unknown>>()(
      byUser.process({ name: 'q' }, (click, ctx) => ctx.emit(click)),
    );
  },

  sinks(env) {
    const byUser = env.source('t', { value: json<Click>() }).keyBy((c) => c.userId, { name: 'by-user' });
    const counts = byUser.count({ name: 'n' });
    expectType<void>()(counts.to('out', { value: json(), key: string() }));
    counts.to('out', { value: number() });
    // @ts-expect-error a string serde for numbers
    counts.to('out', { value: string() });
    // @ts-expect-error a number serde for string keys
    counts.to('out', { key: number() });
  },
};

describe('the types of the DSL', () => {
  it('are checked by the compiler; a job that uses them all is built here', () => {
    expect(Object.keys(jobs)).toContain('processes');
    const job = defineJob('typed', (env) => jobs['sinks']?.(env));
    expect(job.name).toBe('typed');
  });
});
