/**
 * The steps of one epoch's transaction as a table (PROTOCOL A1, A2).
 *
 * ```
 *   idle ─► adding-partitions ─► producing ─► committing-offsets ─► ending ─► committed ─► idle
 *                │                   │                │                │
 *                └───────────────────┴────────────────┴────────────────┴─► failed ─► (fence, reload) ─► idle
 * ```
 * A step begins only when every answer of the step before it is clean.
 */
export type CommitStep =
  'idle' | 'adding-partitions' | 'producing' | 'committing-offsets' | 'ending' | 'committed' | 'failed';

const NEXT: Readonly<Record<CommitStep, readonly CommitStep[]>> = {
  idle: ['adding-partitions'],
  'adding-partitions': ['producing', 'failed'],
  producing: ['committing-offsets', 'failed'],
  'committing-offsets': ['ending', 'failed'],
  ending: ['committed', 'failed'],
  committed: ['idle'],
  failed: ['idle'],
};

export function isLegalStep(from: CommitStep, to: CommitStep): boolean {
  return NEXT[from].includes(to);
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

/**
 * What an answer's error code means for the step it answers. `null`: no answer came (time-out, connection lost).
 * EndTxn is never repeated: only its clean first answer counts (I3, A4).
 */
export function judgeAnswer(step: CommitStep, errorCode: number | null): StepVerdict {
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
      return MAY_RETRY[step]?.has(errorCode) === true ? 'retry' : 'abort';
  }
}

const COORDINATOR_MOVES = [
  STEP_CODES.COORDINATOR_LOAD_IN_PROGRESS,
  STEP_CODES.COORDINATOR_NOT_AVAILABLE,
  STEP_CODES.NOT_COORDINATOR,
];

/**
 * Refusals that prove that nothing was done, at steps that may be repeated. Produce is not among them: a broker that
 * answers NOT_LEADER to one replica set may have appended to another, and sequence numbers would have to be redone.
 */
const MAY_RETRY: Readonly<Partial<Record<CommitStep, ReadonlySet<number>>>> = {
  'adding-partitions': new Set([...COORDINATOR_MOVES, STEP_CODES.CONCURRENT_TRANSACTIONS]),
  'committing-offsets': new Set([...COORDINATOR_MOVES, STEP_CODES.REBALANCE_IN_PROGRESS]),
};
