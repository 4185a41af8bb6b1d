import { json } from '../serde/json';
import { number } from '../serde/number';
import type { Serde } from '../serde/serde';
import type { AggregateNode, StateBinding } from '../topology/graph';
import type { NewNode } from '../topology/graph-builder';
import { badDefinition, checkName } from '../topology/names';
import { checkFunction, checkSerde } from './arguments';
import type { StateSpec, StateSpecs } from './state';
import type { AggregateOptions, ProcessOptions, StateName } from './stream';

/** A node that keeps state, and the serde of what it emits when that is known. */
export interface StatefulNode {
  readonly node: NewNode;
  readonly emits: Serde<unknown> | undefined;
}

const identity = (value: unknown): unknown => value;

export function countNode(input: number, options: StateName, where: string): StatefulNode {
  const name = checkName('count()', options?.name, where);
  const add = (count: number): number => count + 1;
  const store = { name, value: number() as Serde<unknown> };
  const node = {
    kind: 'aggregate',
    call: 'count',
    inputs: [input],
    store,
    init: () => 0,
    add,
    result: identity,
  } as const;
  return { node, emits: undefined };
}

export function reduceNode(
  input: number,
  fn: (accumulated: never, value: never, ctx: never) => unknown,
  options: StateName,
  value: Serde<unknown>,
  where: string,
): StatefulNode {
  const name = checkName('reduce()', options?.name, where);
  const combine = fn as unknown as AggregateNode['add'];
  const add: AggregateNode['add'] = (accumulated, next, ctx) =>
    accumulated === undefined ? next : combine(accumulated, next, ctx);
  const node = {
    kind: 'aggregate',
    call: 'reduce',
    inputs: [input],
    store: { name, value },
    init: () => undefined,
    add,
    result: identity,
  } as const;
  return { node, emits: value };
}

export function aggregateNode(
  input: number,
  options: AggregateOptions<never, unknown, unknown>,
  where: string,
): StatefulNode {
  const name = checkName('aggregate()', options?.name, where);
  const value = checkSerde(`aggregate() '${name}'`, options.value ?? json(), where);
  const init = checkFunction(`aggregate() '${name}': init`, options.init, where);
  const add = checkFunction(`aggregate() '${name}': add`, options.add, where) as AggregateNode['add'];
  const result = checkFunction(`aggregate() '${name}': result`, options.result ?? identity, where);
  const node = {
    kind: 'aggregate',
    call: 'aggregate',
    inputs: [input],
    store: { name, value },
    init,
    add,
    result,
  } as const;
  return { node, emits: options.result === undefined ? value : undefined };
}

export function processNode(
  input: number,
  options: ProcessOptions<StateSpecs, unknown>,
  fn: (value: never, ctx: never) => void,
  where: string,
): StatefulNode {
  const name = checkName('process()', options?.name, where);
  const states = Object.entries(options.state ?? {}).map(([state, spec]) =>
    stateBinding(name, state, spec, where),
  );
  const emits =
    options.emits === undefined ? undefined : checkSerde(`process() '${name}': emits`, options.emits, where);
  const stores = states.map((binding) => binding.store);
  return { node: { kind: 'process', inputs: [input], name, stores, states, fn }, emits };
}

function stateBinding(process: string, name: string, spec: StateSpec, where: string): StateBinding {
  const call = `process() '${process}': state '${name}'`;
  if (spec?.kind !== 'value' && spec?.kind !== 'map') {
    throw badDefinition(`${call} is not declared`, 'use valueState() or mapState()', where);
  }
  const value = checkSerde(call, spec.value, where);
  const store = { name: checkName(call, `${process}.${name}`, where), value };
  const initial = spec.kind === 'value' ? spec.initial : undefined;
  return { kind: spec.kind, name, store, ...(initial === undefined ? {} : { initial }) };
}
