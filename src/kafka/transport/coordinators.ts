import { brokerError } from '../client/broker-errors';
import { KafkaRequestError } from '../port';
import { isAuthorizationError, KafkaError, kafkaErrorName } from '../protocol/errors';
import { FIND_COORDINATOR, type CoordinatorType } from '../protocol/find-coordinator';
import type { ClusterView } from './cluster-view';

/** More than a leader has ids to fence; the oldest entry makes room. */
const MAX_CACHED = 10_000;

const OF: Readonly<Record<CoordinatorType, string>> = {
  group: 'consumer group',
  transaction: 'transactional id',
};

const MOVED: ReadonlySet<number> = new Set([
  KafkaError.NOT_COORDINATOR,
  KafkaError.COORDINATOR_NOT_AVAILABLE,
]);

/** Which node coordinates a group or a transactional id. An address is kept until an answer or a failure disproves it. */
export class Coordinators {
  readonly #cluster: ClusterView;
  readonly #known = new Map<string, Promise<number>>();

  constructor(cluster: ClusterView) {
    this.#cluster = cluster;
  }

  /**
   * Node id of the coordinator; concurrent callers share one question.
   * @throws {KafkaRequestError} definite, also when the answer is an error: nothing has been applied;
   * {TidemarkError} TM2008 when the client may not know
   */
  nodeOf(type: CoordinatorType, key: string): Promise<number> {
    const cacheKey = `${type}/${key}`;
    const known = this.#known.get(cacheKey);
    if (known !== undefined) return known;
    const asked = this.#find(type, key).catch((error: unknown) => {
      if (this.#known.get(cacheKey) === asked) this.#known.delete(cacheKey);
      throw error;
    });
    this.#remember(cacheKey, asked);
    return asked;
  }

  forget(type: CoordinatorType, key: string): void {
    this.#known.delete(`${type}/${key}`);
  }

  /** Forgets the coordinator when one of the codes says that it is another one now. */
  heed(type: CoordinatorType, key: string, errorCodes: readonly number[]): void {
    if (errorCodes.some((code) => MOVED.has(code))) this.forget(type, key);
  }

  async #find(type: CoordinatorType, key: string): Promise<number> {
    const { name } = FIND_COORDINATOR;
    try {
      const { errorCode, errorMessage, nodeId } = await this.#cluster.sendToAny(FIND_COORDINATOR, {
        type,
        key,
      });
      if (errorCode === KafkaError.NONE) return nodeId;
      if (isAuthorizationError(errorCode)) throw brokerError(name, errorCode, `${OF[type]} ${key}`);
      const told = errorMessage === null ? '' : `: ${errorMessage}`;
      const message = `the coordinator of ${type} ${key} was not found, ${kafkaErrorName(errorCode)}${told}`;
      throw new KafkaRequestError(name, message, true);
    } catch (error) {
      if (!(error instanceof KafkaRequestError) || error.definite) throw error;
      throw new KafkaRequestError(name, error.message, true, error); // asking changes nothing
    }
  }

  #remember(cacheKey: string, asked: Promise<number>): void {
    const [oldest] = this.#known.keys();
    if (this.#known.size >= MAX_CACHED && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(cacheKey, asked);
  }
}
