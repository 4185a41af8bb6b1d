import { isTidemarkError } from '../../errors';
import type { Platform } from '../../util/ports';
import { KafkaRequestError } from '../port';
import { decodeAnswer, encodeFrame, type KafkaApi, type Throttled } from '../protocol/api';
import type { BrokerConnection } from './kafkajs-connection';
import { asError, reasonOf } from './reason';
import { highestCommon, unsupported } from './version-choice';

/** Brokers drop connections that were idle for 10 minutes (`connections.max.idle.ms`); a request must not meet that. */
const MAX_IDLE_MS = 9 * 60_000;

export interface LaneOptions {
  readonly clientId: string;
  readonly platform: Platform;
  /** Where the lane leads, for messages. */
  readonly name: string;
  /** Makes a connection; `onFailure` must be called once when it is lost. */
  readonly connect: (onFailure: () => void) => Promise<BrokerConnection>;
}

interface Job {
  readonly start: (connection: BrokerConnection) => void;
  readonly reject: (reason: Error) => void;
}

/**
 * An ordered way to one broker for one kind of request: one connection, made when it is needed and made anew after it
 * has failed. Requests are written in the order of the calls, also those that had to wait for the connection, and
 * the broker answers them in that order.
 *
 * A request is sent once. Its failure is `definite` exactly when nothing of it was written. After a time-out the
 * connection is given up, with everything that is under way on it: a late answer finds nobody, and nothing waits
 * behind a broker that hangs.
 */
export class Lane {
  readonly #options: LaneOptions;
  #connection: BrokerConnection | null = null;
  /** Requests that wait for the connection; null when none is being made. */
  #waiting: Job[] | null = null;
  #underWay = 0;
  #lastUsed = 0;
  #throttledUntil = 0;
  #closed: Error | null = null;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Nothing waits and nothing is under way. */
  get idle(): boolean {
    return this.#waiting === null && this.#underWay === 0;
  }

  /**
   * Sends one request and waits `timeoutMs` for its answer; time that the broker holds the connection back (KIP-219)
   * does not count.
   * @param expectsAnswer false: resolves with null as soon as it is written
   * @throws {KafkaRequestError}
   * @throws {TidemarkError} TM2009 when the broker speaks no version of the API that this program speaks
   */
  send<Q, A extends Throttled>(api: KafkaApi<Q, A>, request: Q, timeoutMs: number): Promise<A>;
  send<Q, A extends Throttled>(
    api: KafkaApi<Q, A>,
    request: Q,
    timeoutMs: number,
    expectsAnswer: boolean,
  ): Promise<A | null>;
  send<Q, A extends Throttled>(
    api: KafkaApi<Q, A>,
    request: Q,
    timeoutMs: number,
    expectsAnswer = true,
  ): Promise<A | null> {
    return new Promise((resolve, reject) => {
      const exchange = { api, request, timeoutMs, expectsAnswer, resolve, reject };
      this.#enqueue({
        start: (connection) => this.#start(connection, exchange),
        reject: (reason) => reject(unsent(api.name, this.#options.name, reason)),
      });
    });
  }

  /** Requests that wait fail as not sent, those under way as unknown. Resolves when the connection is closed. */
  async close(reason: Error): Promise<void> {
    this.#closed = reason;
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const job of waiting) job.reject(reason);
    const connection = this.#connection;
    this.#connection = null;
    await connection?.destroy(reason);
  }

  #enqueue(job: Job): void {
    this.#retireWhenStale();
    if (this.#closed !== null) job.reject(this.#closed);
    else if (this.#waiting !== null) this.#waiting.push(job);
    else if (this.#connection !== null) job.start(this.#connection);
    else this.#open(job);
  }

  #open(first: Job): void {
    const waiting = [first];
    this.#waiting = waiting;
    let failed = false;
    const onFailure = (): void => {
      failed = true;
      this.#connection = null;
    };
    this.#options.connect(onFailure).then(
      (connection) => this.#opened(connection, failed, waiting),
      (error: unknown) => this.#release(waiting, (job) => job.reject(asError(error))),
    );
  }

  #opened(connection: BrokerConnection, failed: boolean, waiting: readonly Job[]): void {
    if (this.#closed !== null) {
      void connection.destroy(this.#closed);
      return;
    }
    if (!failed) this.#connection = connection;
    this.#lastUsed = this.#now();
    this.#release(waiting, (job) => job.start(connection));
  }

  #release(waiting: readonly Job[], act: (job: Job) => void): void {
    if (this.#closed !== null) return; // close() has rejected them
    this.#waiting = null;
    for (const job of waiting) act(job);
  }

  #start<Q, A extends Throttled>(connection: BrokerConnection, exchange: Exchange<Q, A>): void {
    const { api, request, expectsAnswer, reject, resolve } = exchange;
    const ours = api.versionsFor?.(request) ?? api;
    const theirs = connection.versions(api.key);
    const version = highestCommon(ours, theirs);
    if (version === null) {
      reject(unsupported(api.name, ours, theirs, this.#options.name));
      return;
    }
    let written = false;
    let cancelTimeout = (): void => undefined;
    this.#underWay++;
    const ended = (): void => {
      this.#underWay--;
      this.#lastUsed = this.#now();
      cancelTimeout();
    };
    connection.send({
      ...{ apiKey: api.key, apiName: api.name, apiVersion: version, expectsAnswer },
      frame: (correlationId) =>
        encodeFrame(api, { version, correlationId, clientId: this.#options.clientId }, request),
      onWrite: () => {
        written = true;
        if (expectsAnswer) cancelTimeout = this.#watch(connection, api.name, exchange.timeoutMs);
      },
      onAnswer: (payload) => {
        ended();
        if (payload === null) resolve(null);
        else this.#take(connection, version, payload, exchange);
      },
      onError: (reason) => {
        ended();
        const { name } = this.#options;
        reject(written ? unknown(api.name, name, reason) : unsent(api.name, name, reason));
      },
    });
  }

  #take<Q, A extends Throttled>(
    connection: BrokerConnection,
    version: number,
    payload: Buffer,
    { api, resolve, reject }: Exchange<Q, A>,
  ): void {
    try {
      const answer = decodeAnswer(api, version, payload);
      if (answer.throttleMs > 0) this.#throttledUntil = this.#now() + answer.throttleMs;
      resolve(answer);
    } catch (error) {
      const reason = new Error(`the answer to ${api.name} v${version} cannot be read`, { cause: error });
      reject(unknown(api.name, this.#options.name, reason));
      void connection.destroy(reason);
    }
  }

  /** Gives the connection up when the answer is late. */
  #watch(connection: BrokerConnection, apiName: string, timeoutMs: number): () => void {
    const { scheduler } = this.#options.platform;
    const sentAt = this.#now();
    let cancel = (): void => undefined;
    const wait = (ms: number): void => {
      cancel = scheduler.after(ms, () => {
        const heldBack = Math.max(0, this.#throttledUntil - sentAt);
        const left = sentAt + timeoutMs + heldBack - this.#now();
        if (left >= 1) wait(left);
        else void connection.destroy(new Error(`no answer to ${apiName} within ${timeoutMs} ms`));
      });
    };
    wait(timeoutMs);
    return () => cancel();
  }

  #retireWhenStale(): void {
    const connection = this.#connection;
    if (connection === null || this.#underWay > 0 || this.#now() - this.#lastUsed < MAX_IDLE_MS) return;
    void connection.destroy(new Error('the connection was idle for long'));
  }

  #now(): number {
    return this.#options.platform.clock.monotonic();
  }
}

interface Exchange<Q, A extends Throttled> {
  readonly api: KafkaApi<Q, A>;
  readonly request: Q;
  readonly timeoutMs: number;
  readonly expectsAnswer: boolean;
  readonly resolve: (answer: A | null) => void;
  readonly reject: (reason: Error) => void;
}

function unsent(api: string, lane: string, reason: Error): Error {
  if (isTidemarkError(reason)) return reason;
  return new KafkaRequestError(api, `${api} was not sent to ${lane}: ${reasonOf(reason)}`, true, reason);
}

function unknown(api: string, lane: string, reason: Error): KafkaRequestError {
  const message = `${api} was sent to ${lane}, with an unknown outcome: ${reasonOf(reason)}`;
  return new KafkaRequestError(api, message, false, reason);
}
