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

/** The Kafka error codes that a commit tells apart, by name; every other one aborts the epoch, also one that is not known. */
export const STEP_CODES = {
  NONE: 0,
  COORDINATOR_LOAD_IN_PROGRESS: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  ILLEGAL_GENERATION: 22,
  UNKNOWN_MEMBER_ID: 25,
  REBALANCE_IN_PROGRESS: 27,
  INVALID_PRODUCER_EPOCH: 47,
  INVALID_PRODUCER_ID_MAPPING: 49,
  CONCURRENT_TRANSACTIONS: 51,
  FENCED_INSTANCE_ID: 82,
  PRODUCER_FENCED: 90,
} as const;

/** Missing rights, and what is wrong with the records or the request itself: a replay would meet it again. */
export const LASTING_CODES = {
  MESSAGE_TOO_LARGE: 10,
  OFFSET_METADATA_TOO_LARGE: 12,
  INVALID_TOPIC_EXCEPTION: 17,
  RECORD_LIST_TOO_LARGE: 18,
  INVALID_REQUIRED_ACKS: 21,
  INVALID_GROUP_ID: 24,
  INVALID_COMMIT_OFFSET_SIZE: 28,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  INVALID_TIMESTAMP: 32,
  UNSUPPORTED_VERSION: 35,
  INVALID_REQUEST: 42,
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 43,
  POLICY_VIOLATION: 44,
  INVALID_TRANSACTION_TIMEOUT: 50,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 53,
  UNSUPPORTED_COMPRESSION_TYPE: 76,
  INVALID_RECORD: 87,
} as const;

const LASTING: ReadonlySet<number> = new Set(Object.values(LASTING_CODES));

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
  if (errorCode === STEP_CODES.NONE) return 'clean';
  if (errorCode === null) return 'abort';
  switch (errorCode) {
    case STEP_CODES.INVALID_PRODUCER_EPOCH:
    case STEP_CODES.PRODUCER_FENCED:
    case STEP_CODES.INVALID_PRODUCER_ID_MAPPING: // the transactional id expired: it counts as fenced (A8)
      return 'fenced';
    case STEP_CODES.ILLEGAL_GENERATION:
    case STEP_CODES.UNKNOWN_MEMBER_ID:
      return 'membership-lost';
    case STEP_CODES.FENCED_INSTANCE_ID:
      return 'duplicate-instance';
    default:
      if (LASTING.has(errorCode)) return 'stop';
      return REPEATABLE[version][step]?.includes(errorCode) === true ? 'retry' : 'abort';
  }
}

const COORDINATOR_MOVES = [
  STEP_CODES.COORDINATOR_LOAD_IN_PROGRESS,
  STEP_CODES.COORDINATOR_NOT_AVAILABLE,
  STEP_CODES.NOT_COORDINATOR,
];
const WAITS_FOR_MARKERS = [STEP_CODES.CONCURRENT_TRANSACTIONS, ...COORDINATOR_MOVES];

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
    'committing-offsets': [...COORDINATOR_MOVES, STEP_CODES.REBALANCE_IN_PROGRESS],
  },
  2: {
    fencing: WAITS_FOR_MARKERS,
    producing: [STEP_CODES.CONCURRENT_TRANSACTIONS],
    'committing-offsets': [...WAITS_FOR_MARKERS, STEP_CODES.REBALANCE_IN_PROGRESS],
  },
};
