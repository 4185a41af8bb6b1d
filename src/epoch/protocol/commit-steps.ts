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
const TOPIC_AUTHORIZATION_FAILED = 29;
const GROUP_AUTHORIZATION_FAILED = 30;
const CLUSTER_AUTHORIZATION_FAILED = 31;
const CONCURRENT_TRANSACTIONS = 51;
const TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53;
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

/**
 * What an answer's error code means for the step it answers. `null`: no answer came (time-out, connection lost).
 * EndTxn is never repeated: only its clean first answer counts (I3, A4).
 */
export function judgeAnswer(step: CommitStep, errorCode: number | null): StepVerdict {
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
    case TOPIC_AUTHORIZATION_FAILED:
    case GROUP_AUTHORIZATION_FAILED:
    case CLUSTER_AUTHORIZATION_FAILED:
    case TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return 'stop';
    default:
      return mayRetry(step, errorCode) ? 'retry' : 'abort';
  }
}

/**
 * Refusals that prove that nothing was done, at steps that may be repeated. Produce is not among them: a broker that
 * answers NOT_LEADER to one replica set may have appended to another, and sequence numbers would have to be redone.
 */
function mayRetry(step: CommitStep, errorCode: number): boolean {
  if (step === 'adding-partitions') {
    return (
      errorCode === CONCURRENT_TRANSACTIONS ||
      errorCode === COORDINATOR_LOAD_IN_PROGRESS ||
      errorCode === COORDINATOR_NOT_AVAILABLE ||
      errorCode === NOT_COORDINATOR
    );
  }
  if (step === 'committing-offsets') {
    return (
      errorCode === COORDINATOR_LOAD_IN_PROGRESS ||
      errorCode === COORDINATOR_NOT_AVAILABLE ||
      errorCode === NOT_COORDINATOR ||
      errorCode === REBALANCE_IN_PROGRESS
    );
  }
  return false;
}
