import type { Cancel } from '../../util/ports';
import { KafkaRequestError } from '../port';
import type { ClusterState, SimNode } from './cluster-state';
import type { SimFault } from './faults';
import type { SimProcess } from './sim-process';

/** A request on its way, whatever it asks. */
export interface Exchange<A> {
  /** Kafka's name of the API, for errors. */
  readonly api: string;
  readonly timeoutMs: number;
  readonly fault: SimFault | null;
  /** What the broker does with it. */
  readonly apply: (nodeId: number) => A | Promise<A>;
  /** The answer as a broker words an error. */
  readonly refuse: (errorCode: number) => A;
  /** False: nobody waits for an answer (Produce with acks 0). */
  readonly expectsAnswer: boolean;
}

interface Pending {
  readonly api: string;
  readonly reject: (error: Error) => void;
  readonly cancelTimeout: Cancel;
}

/** One way, most of the time; now and then a packet takes long. */
const LATENCY_MS = { min: 0.1, max: 1.2 };
const SLOW_MS = { min: 3, max: 25 };
const SLOW_SHARE = 0.02;

/**
 * One TCP connection of a client to one broker. Requests arrive in the order in which they were sent and are processed
 * one after the other, as a broker does with one connection. Once it is broken it stays so: what is on its way to
 * the broker arrives all the same, what comes back finds nobody.
 */
export class Connection {
  private readonly state: ClusterState;
  private readonly process: SimProcess;
  private readonly node: SimNode;
  private readonly incarnation: number;
  private readonly pending = new Set<Pending>();
  private broken: Error | null = null;
  /** Nothing sent later arrives earlier. */
  private lastArrival = 0;
  private lastAnswer = 0;
  /** The broker's side: the request before this one is done. */
  private busy: Promise<void> = Promise.resolve();

  constructor(state: ClusterState, process: SimProcess, node: SimNode) {
    this.state = state;
    this.process = process;
    this.node = node;
    this.incarnation = node.incarnation;
  }

  get usable(): boolean {
    return this.broken === null;
  }

  get idle(): boolean {
    return this.pending.size === 0;
  }

  leadsTo(nodeId: number): boolean {
    return this.node.id === nodeId;
  }

  send<A>(exchange: Exchange<A>): Promise<A> {
    return new Promise((resolve, reject) => {
      const { api, timeoutMs, fault, expectsAnswer } = exchange;
      const cancelTimeout = this.process.scheduler.after(timeoutMs, () =>
        this.break(new Error(`no answer to ${api} within ${timeoutMs} ms`)),
      );
      const pending: Pending = { api, reject, cancelTimeout };
      if (expectsAnswer) this.pending.add(pending);
      else this.writtenAndDone(cancelTimeout, () => resolve(exchange.refuse(0)));
      if (fault?.kind === 'request-lost') return this.lose(fault.how ?? 'reset');
      this.arrive(fault?.kind === 'delay-request' ? fault.ms : 0, () => {
        const answered = this.busy.then(() => this.serve(exchange));
        this.busy = answered.then(
          () => undefined,
          () => undefined,
        );
        void answered.then(
          (answer) => this.answer(exchange, pending, answer, resolve),
          (error: unknown) => this.bug(pending, error),
        );
      });
    });
  }

  /** The client's side is gone: what is under way has an unknown outcome. */
  break(reason: Error): void {
    if (this.broken !== null) return;
    this.broken = reason;
    const lost = [...this.pending];
    this.pending.clear();
    for (const { api, reject, cancelTimeout } of lost) {
      cancelTimeout();
      const message = `${api} was sent to node ${this.node.id}, with an unknown outcome: ${reason.message}`;
      reject(new KafkaRequestError(api, message, false, reason));
    }
  }

  /** The client was killed: nobody waits any more, and nobody is told. */
  abandon(): void {
    this.broken = new Error('the client was killed');
    for (const { cancelTimeout } of this.pending) cancelTimeout();
    this.pending.clear();
  }

  /** The broker's side is gone. The client hears of it in a moment, if it runs. */
  reset(reason: string): void {
    this.state.platform.after(this.latency(), () =>
      this.process.deliver(() => this.break(new Error(reason))),
    );
  }

  private writtenAndDone(cancelTimeout: Cancel, done: () => void): void {
    cancelTimeout();
    done();
  }

  private lose(how: 'reset' | 'silence'): void {
    if (how === 'reset') this.reset('the connection was lost');
  }

  private arrive(delay: number, fn: () => void): void {
    const now = this.state.platform.clock.monotonic();
    this.lastArrival = Math.max(this.lastArrival, now + this.latency() + delay);
    this.state.platform.after(this.lastArrival - now, () => {
      if (this.brokerIsThere()) fn();
    });
  }

  private async serve<A>(exchange: Exchange<A>): Promise<A> {
    const { fault, apply, refuse } = exchange;
    if (fault?.kind !== 'error') return apply(this.node.id);
    if (fault.applied === true) await apply(this.node.id);
    return refuse(fault.errorCode);
  }

  private answer<A>({ fault }: Exchange<A>, pending: Pending, answer: A, resolve: (answer: A) => void): void {
    if (!this.brokerIsThere()) return;
    if (fault?.kind === 'answer-lost') return this.lose(fault.how ?? 'reset');
    const now = this.state.platform.clock.monotonic();
    const delay = fault?.kind === 'delay-answer' ? fault.ms : 0;
    this.lastAnswer = Math.max(this.lastAnswer, now + this.latency() + delay);
    this.state.platform.after(this.lastAnswer - now, () =>
      this.process.deliver(() => {
        if (!this.pending.delete(pending)) return;
        pending.cancelTimeout();
        resolve(answer);
      }),
    );
  }

  /** The model itself is wrong: that must not pass for a lost request. */
  private bug(pending: Pending, error: unknown): void {
    this.pending.delete(pending);
    pending.cancelTimeout();
    pending.reject(error instanceof Error ? error : new Error(String(error)));
  }

  private brokerIsThere(): boolean {
    return this.node.alive && this.node.incarnation === this.incarnation;
  }

  private latency(): number {
    const { random } = this.state.platform;
    const range = random.chance(SLOW_SHARE) ? SLOW_MS : LATENCY_MS;
    return random.between(range.min, range.max);
  }
}
