import { defineJob } from '../dsl/job';
import { valueState } from '../dsl/state';
import { json } from '../serde';
import { explainTopology } from './explain';
import { renderExplanation } from './explain-text';

const { topology } = defineJob('shop', (env) => {
  const orders = env.source('orders', {
    value: json<{ user: string }>(),
    startFrom: 'latest',
    badInput: { deadLetter: 'bad' },
  });
  const { big, rest } = orders.branch({ big: (order) => order.user === 'big', rest: true });
  rest.to('small-orders');
  big
    .merge(env.source('returns', { value: json<{ user: string }>(), badInput: 'skip' }))
    .keyBy((order) => order.user, { name: 'by-user' })
    .process({ name: 'totals', state: { sum: valueState<number>() } }, (order, ctx) => ctx.emit(order))
    .to('totals');
});

describe('explain', () => {
  it('shows stages, inputs, operators, state and internal topics', () => {
    const explanation = explainTopology(topology, {
      applicationId: 'shop',
      tasks: { 'by-user': 1, orders: 4 },
    });
    expect(renderExplanation(explanation).replace(topology.fingerprint, 'FINGERPRINT')).toBe(
      `application shop
  fingerprint FINGERPRINT
  incarnation 1
  topics      shop-control
              shop-orders-changelog
              shop-by-user-changelog
              shop-by-user-shuffle

stage orders (4 tasks)
  reads       orders, from latest, bad input to bad
              returns, from earliest, bad input: skip
  operators   #0 source orders
              #1 split < #0
              #2 branch big < #1
              #3 branch rest < #1
              #4 to small-orders < #3
              #5 source returns
              #6 merge < #2, #5
              #7 keyBy by-user < #6
  changelog   shop-orders-changelog
  writes      shop-by-user-shuffle
              small-orders

stage by-user (1 task)
  reads       shop-by-user-shuffle, from stage orders
  operators   #8 process totals < #7
              #9 to totals < #8
  state       totals.sum (json)
  changelog   shop-by-user-changelog
  writes      totals`,
    );
  });

  it('is plain data for --json, with another prefix and incarnation', () => {
    const explanation = explainTopology(topology, { applicationId: 'shop', prefix: 'p', incarnation: 3 });
    expect(explanation.internalTopics).toEqual([
      'p-control',
      'p-orders-changelog-i3',
      'p-by-user-changelog-i3',
      'p-by-user-shuffle-i3',
    ]);
    expect(JSON.parse(JSON.stringify(explanation))).toEqual(explanation);
    expect(explanation.stages[1]).toEqual({
      name: 'by-user',
      inputs: [{ kind: 'shuffle', topic: 'p-by-user-shuffle-i3', upstream: 'orders' }],
      operators: [
        { id: 8, label: 'process totals', inputs: [7] },
        { id: 9, label: 'to totals', inputs: [8] },
      ],
      state: [{ name: 'totals.sum', serde: 'json' }],
      changelog: 'p-by-user-changelog-i3',
      shuffles: [],
      outputs: ['totals'],
    });
  });
});
