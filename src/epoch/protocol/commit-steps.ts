/**
 * The steps of one epoch's transaction as a table (PROTOCOL A1, A2), by transaction version.
 *
 * ```
 *   version 1                    version 2 (KIP-890)
 *   idle                         idle
 *    ▼                            │
 *   adding-partitions ─────┐      │ (the broker adds them with the first Produce)
 *    ▼                     │      ▼
 *   producing ─────────────┤     producing ─────────────┐
 *    ▼                     │      ▼                     │
 *   committing-offsets ────┤     committing-offsets ────┤
 *    ▼                     │      ▼                     │
 *   ending ────────────────┤     ending ────────────────┤
 *    ▼                     ▼      ▼                     ▼
 *   committed ─► idle    failed  committed ─► idle    failed ─► (fence, reload) ─► idle
 * ```
 * A step begins only when every answer of the step before it is clean.
 */
export type CommitStep =
  'idle' | 'adding-partitions' | 'producing' | 'committing-offsets' | 'ending' | 'committed' | 'failed';

type Version = 1 | 2;

const COMMON = {
  producing: ['committing-offsets', 'failed'],
  'committing-offsets': ['ending', 'failed'],
  ending: ['committed', 'failed'],
  committed: ['idle'],
  failed: ['idle'],
} as const;

const NEXT: Readonly<Record<Version, Readonly<Record<CommitStep, readonly CommitStep[]>>>> = {
  1: { ...COMMON, idle: ['adding-partitions'], 'adding-partitions': ['producing', 'failed'] },
  2: { ...COMMON, idle: ['producing'], 'adding-partitions': [] },
};

export function isLegalStep(from: CommitStep, to: CommitStep, version: Version): boolean {
  return NEXT[version][from].includes(to);
}

/** Kafka error codes that this table knows by name. */
const NONE = 0;
const COORDINATOR_LOAD_IN_PROGRESS = 14;
const COORDINATOR_NOT_AVAILABLE = 15;
const NOT_COORDINATOR = 16;
const ILLEGAL_GENERATION = 22;
const UNKNOWN_MEMBER_ID = 25;
const REBALANCE_IN_PROGRESS = 27;
const INVALID_PRODUCER_EPOCH = 47;
const INVALID_PRODUCER_ID_MAPPING = 49;
const TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53;
const CONCURRENT_TRANSACTIONS = 51;
const FENCED_INSTANCE_ID = 82;
const PRODUCER_FENCED = 90;

export type StepVerdict =
  /** The step is done. */
  | 'clean'
  /** Certainly not applied: the same request again after a pause, within the transaction. */
  | 'retry'
  /** Drop the epoch, fence ourselves, reload from the log (A4, A5). */
  | 'abort'
  /** As abort; somebody initialised our transactional id: membership must be confirmed before we do (A4). */
  | 'fenced'
  /** As abort; the group no longer knows this member or generation. */
  | 'membership-lost'
  /** Another live process has this instance id. */
  | 'duplicate-instance'
  /** Retrying cannot help: the job stops. */
  | 'stop';

/** What is answered: a step of the commit, or InitProducerId before it. */
export type AnsweredStep = CommitStep | 'fencing';

/**
 * What an answer's error code means for the step it answers. `null`: no answer came (time-out, connection lost).
 * EndTxn is never repeated: only its clean first answer counts (I3, A4).
 */
export function judgeAnswer(step: AnsweredStep, errorCode: number | null, version: Version): StepVerdict {
  if (errorCode === NONE) return 'clean';
  if (errorCode === null) return 'abort';
  switch (errorCode) {
    case INVALID_PRODUCER_EPOCH:
    case PRODUCER_FENCED:
    case INVALID_PRODUCER_ID_MAPPING: // the transactional id expired: it counts as fenced (A8)
      return 'fenced';
    case ILLEGAL_GENERATION:
    case UNKNOWN_MEMBER_ID:
      return 'membership-lost';
    case FENCED_INSTANCE_ID:
      return 'duplicate-instance';
    case TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return 'stop';
    default:
      return REPEATABLE[version][step]?.includes(errorCode) === true ? 'retry' : 'abort';
  }
}

const COORDINATOR_MOVES = [COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR];
const WAITS_FOR_MARKERS = [CONCURRENT_TRANSACTIONS, ...COORDINATOR_MOVES];

/**
 * Refusals that prove that nothing was done, at steps that may be repeated. In version 1 Produce is not among them: a
 * broker that answers NOT_LEADER to one replica set may have appended to another, and sequence numbers would have to be
 * redone. In version 2 the broker asks the coordinator before it appends, and CONCURRENT_TRANSACTIONS says that it was
 * told to wait for the last transaction's markers: nothing was appended, and the same batch comes again.
 */
const REPEATABLE: Readonly<Record<Version, Readonly<Partial<Record<AnsweredStep, readonly number[]>>>>> = {
  1: {
    fencing: WAITS_FOR_MARKERS,
    'adding-partitions': WAITS_FOR_MARKERS,
    'committing-offsets': [...COORDINATOR_MOVES, REBALANCE_IN_PROGRESS],
  },
  2: {
    fencing: WAITS_FOR_MARKERS,
    producing: [CONCURRENT_TRANSACTIONS],
    'committing-offsets': [...WAITS_FOR_MARKERS, REBALANCE_IN_PROGRESS],
  },
};
