import { Lane, type LaneOptions } from './lane';

/**
 * Kinds of requests that must not wait for one another; the broker answers a connection's requests one by one.
 * - `control`: metadata, coordinators, offsets, transactions · `heartbeat` · `produce`: in call order
 * - `fetch`, `group` (JoinGroup, SyncGroup), `admin`: the broker may hold the answer back for long, so that each
 *   request under way has a connection of its own
 */
export type LaneKind = 'control' | 'heartbeat' | 'produce' | 'fetch' | 'group' | 'admin';

const HAVE_A_CONNECTION_EACH: ReadonlySet<LaneKind> = new Set<LaneKind>(['fetch', 'group', 'admin']);

/** Requests beyond this number to one node queue up behind each other. */
const MAX_PARALLEL_LANES = 32;

/** The lanes to all nodes. A lane costs nothing until it is used, and stays for when it is used again. */
export class LanePool {
  readonly #lanes = new Map<string, Lane>();
  readonly #optionsFor: (nodeId: number) => LaneOptions;
  #closed: Error | null = null;

  constructor(optionsFor: (nodeId: number) => LaneOptions) {
    this.#optionsFor = optionsFor;
  }

  /** The lane to use for the next request of this kind. */
  lane(nodeId: number, kind: LaneKind): Lane {
    const first = this.#at(nodeId, kind, 0);
    if (!HAVE_A_CONNECTION_EACH.has(kind)) return first;
    for (let index = 0; index < MAX_PARALLEL_LANES; index++) {
      const lane = this.#at(nodeId, kind, index);
      if (lane.idle) return lane;
    }
    return first;
  }

  /** Ends all connections; resolves when their sockets are closed. */
  async close(reason: Error): Promise<void> {
    this.#closed = reason;
    await Promise.all([...this.#lanes.values()].map((lane) => lane.close(reason)));
  }

  #at(nodeId: number, kind: LaneKind, index: number): Lane {
    const key = `${nodeId}/${kind}/${index}`;
    const known = this.#lanes.get(key);
    if (known !== undefined) return known;
    const made = new Lane(this.#optionsFor(nodeId));
    this.#lanes.set(key, made);
    if (this.#closed !== null) void made.close(this.#closed);
    return made;
  }
}
