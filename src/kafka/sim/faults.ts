import { KafkaError } from '../protocol/errors';
import type { KafkaPort } from '../port';
import type { SeededRandom } from './seeded-random';

export type SimApi = Exclude<keyof KafkaPort, 'close'> | 'findCoordinator';

/** One request, before it leaves the client. */
export interface SimCall {
  readonly api: SimApi;
  readonly clientId: string;
  readonly nodeId: number;
  /** Counts the requests of this API by this client, from 1. */
  readonly nth: number;
  /** The arguments of the port's method. */
  readonly args: readonly unknown[];
}

/**
 * What goes wrong with one request.
 * - `request-lost`: the broker never sees it. `answer-lost`: it is applied, and nobody hears of it. Either the connection
 *   breaks (`how: 'reset'`, default) or all is silent until the client's time-out (`'silence'`).
 * - `delay-request`, `delay-answer`: milliseconds on top. A request that is still on its way when its client has given
 *   up, or has been killed, arrives all the same: the zombie's late EndTxn or Produce.
 * - `error`: answered with this code, without being applied, or after it (`applied: true`).
 */
export type SimFault =
  | { readonly kind: 'request-lost' | 'answer-lost'; readonly how?: 'reset' | 'silence' }
  | { readonly kind: 'delay-request' | 'delay-answer'; readonly ms: number }
  | { readonly kind: 'error'; readonly errorCode: number; readonly applied?: boolean };

/** Decides on every request; may also act on the cluster, such as move a leader. Null: nothing goes wrong. */
export type FaultHook = (call: SimCall) => SimFault | null;

/** Chances of a request to meet a fault, 0 to 1. */
export interface FaultRates {
  readonly requestLost?: number;
  readonly answerLost?: number;
  readonly delayRequest?: number;
  readonly delayAnswer?: number;
  readonly error?: number;
  /** Before the request leaves, some partition gets another leader; of an internal topic too, so that a coordinator moves. */
  readonly leaderMove?: number;
  /** Before the request leaves, some broker is killed or stopped, unless one is down, and started again. */
  readonly brokerRestart?: number;
  /** Milliseconds of the longest delay. Default 5000. */
  readonly maxDelayMs?: number;
}

/** Codes that a broker may answer to anybody at any time, by what the request is about. */
const TRANSIENT: Readonly<Partial<Record<SimApi, readonly number[]>>> = {
  produce: [6, 7, 19, 20],
  fetch: [6, 74, 75],
  listOffsets: [6, 78],
  initProducerId: [14, 16, 51],
  addPartitionsToTxn: [14, 16, 51],
  addOffsetsToTxn: [14, 16, 51],
  txnOffsetCommit: [14, 16],
  endTxn: [14, 16],
  offsetFetch: [14, 16],
  offsetCommit: [14, 16],
  joinGroup: [14, 16],
  syncGroup: [14, 16],
  heartbeat: [14, 16],
};

/** Of these a broker says that the request failed when it may well have been applied. */
const PERHAPS_APPLIED = new Set<number>([
  KafkaError.REQUEST_TIMED_OUT,
  KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
]);

/** What becomes of each request by itself, as a seed decides. */
export function randomFaults(random: SeededRandom, rates: FaultRates): FaultHook {
  const { requestLost = 0, answerLost = 0, delayRequest = 0, delayAnswer = 0, error = 0 } = rates;
  const maxDelayMs = rates.maxDelayMs ?? 5_000;
  return ({ api }) => {
    let dice = random.next();
    const falls = (rate: number): boolean => {
      dice -= rate;
      return dice < 0;
    };
    const how = random.chance(0.7) ? 'reset' : 'silence';
    const ms = random.next() ** 3 * maxDelayMs;
    if (falls(requestLost)) return { kind: 'request-lost', how };
    if (falls(answerLost)) return { kind: 'answer-lost', how };
    if (falls(delayRequest)) return { kind: 'delay-request', ms };
    if (falls(delayAnswer)) return { kind: 'delay-answer', ms };
    const codes = TRANSIENT[api] ?? [];
    const errorCode = codes[random.below(Math.max(1, codes.length))];
    if (!falls(error) || errorCode === undefined) return null;
    return { kind: 'error', errorCode, applied: PERHAPS_APPLIED.has(errorCode) && random.chance(0.5) };
  };
}
