import { TidemarkError } from '../errors';
import type { KeyValueStore, StateKey, StoreSpec } from '../state/store';
import type { ProcessNode } from '../topology/graph';
import type { Receiver, RecordContext } from './operator';
import { MapStateHandle, ValueStateHandle, type CurrentKey } from './process-state';

type StateHandle = ValueStateHandle | MapStateHandle;

/**
 * Runs the user's function with the state of the record's key. One context serves all records.
 * Invariant: outside a call there is no current record, so an `emit` or a state access that comes late is an error
 * instead of an effect in somebody else's epoch.
 */
export class ProcessOperator implements Receiver<unknown> {
  private readonly fn: (value: unknown, ctx: ProcessView) => void;
  private readonly view: ProcessView;

  constructor(
    node: ProcessNode,
    store: (spec: StoreSpec) => KeyValueStore<unknown>,
    downstream: Receiver<unknown>,
  ) {
    this.fn = node.fn as unknown as (value: unknown, ctx: ProcessView) => void;
    this.view = new ProcessView(node, store, downstream);
  }

  receive(value: unknown, ctx: RecordContext): void {
    const { fn, view } = this;
    view.enter(ctx);
    try {
      fn(value, view);
    } finally {
      view.leave();
    }
  }
}

/** What the user's function sees as `ctx`. */
class ProcessView implements CurrentKey {
  readonly state: Readonly<Record<string, StateHandle>>;
  /** A property, so that it can be taken out of the context: `({ emit }) => …`. */
  readonly emit: (value: unknown) => void;
  private record: RecordContext | undefined;
  private readonly name: string;

  constructor(
    node: ProcessNode,
    store: (spec: StoreSpec) => KeyValueStore<unknown>,
    downstream: Receiver<unknown>,
  ) {
    this.name = node.name;
    this.record = undefined;
    this.emit = (value) => downstream.receive(value, this.current());
    const handles = node.states.map((binding): [string, StateHandle] => {
      const Handle = binding.kind === 'value' ? ValueStateHandle : MapStateHandle;
      return [binding.name, new Handle(binding, store(binding.store), this)];
    });
    this.state = Object.freeze(Object.fromEntries(handles));
  }

  get key(): StateKey {
    return this.stateKey();
  }

  get timestamp(): number {
    return this.current().timestamp;
  }

  stateKey(): StateKey {
    return this.current().key as StateKey;
  }

  enter(record: RecordContext): void {
    this.record = record;
  }

  leave(): void {
    this.record = undefined;
  }

  private current(): RecordContext {
    if (this.record !== undefined) return this.record;
    throw new TidemarkError(
      'TM3002',
      'stop',
      `process '${this.name}' used its context after the function had returned`,
      {
        hint: 'the function is synchronous: nothing may be emitted or stored from a promise or a timer',
      },
    );
  }
}
