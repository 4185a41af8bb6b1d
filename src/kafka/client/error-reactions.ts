import type { ErrorCode, Reaction } from '../../errors';
import { kafkaErrorName, type KafkaErrorName } from '../protocol/errors';

/**
 * What follows from one error code of Kafka's.
 * - `reaction`: in general, and wherever the others say nothing
 * - `code`: of the TidemarkError; default TM2002
 * - `fetch`: where a partition is read. `must-pass-soon`: a new topic or leader may say so for a while, but a reader that
 *   waited for ever would look like one that is idle. `check-range`: a deposed leader may say so, its successor decides
 * - `membership`: for JoinGroup, SyncGroup and Heartbeat
 */
export interface ErrorRule {
  readonly reaction: Reaction;
  readonly code?: ErrorCode;
  readonly fetch?: 'must-pass-soon' | 'check-range';
  readonly membership?: Reaction;
}

/**
 * Every error code of Apache Kafka 4.4: one that is added to the names in `protocol/errors.ts` and not here does not
 * compile. It judges by the code alone, which means the same on every API (Kafka protocol guide, "Error Codes"):
 * - `retry`: leaders and coordinators that move, brokers that are busy or behind; whatever Kafka marks as retriable
 * - `abort-epoch`: the transaction is beyond repair, the membership is not
 * - `rejoin`: the membership or the producer belongs to somebody else now: a current generation must be got first (A4, B1)
 * - `usage`: a setting, a name or a value of ours that the broker will never take
 * - `stop`: no retry and no new epoch heals it; or no client gets it as an answer to what this program asks
 *
 * Inside a transaction, where a retry could apply a request twice, `epoch/protocol/commit-steps.ts` decides, more
 * strictly (A4); `error-tables.test.ts` there holds the two together.
 */
const RULES: Readonly<Record<Exclude<KafkaErrorName, 'NONE'>, ErrorRule>> = {
  UNKNOWN_SERVER_ERROR: { reaction: 'abort-epoch', fetch: 'must-pass-soon' },
  OFFSET_OUT_OF_RANGE: { reaction: 'stop', code: 'TM4003', fetch: 'check-range' },
  CORRUPT_MESSAGE: { reaction: 'retry', code: 'TM2006', fetch: 'must-pass-soon' },
  UNKNOWN_TOPIC_OR_PARTITION: { reaction: 'retry', code: 'TM2003', fetch: 'must-pass-soon' },
  INVALID_FETCH_SIZE: { reaction: 'stop' },
  LEADER_NOT_AVAILABLE: { reaction: 'retry' },
  NOT_LEADER_OR_FOLLOWER: { reaction: 'retry' },
  REQUEST_TIMED_OUT: { reaction: 'retry' },
  BROKER_NOT_AVAILABLE: { reaction: 'retry' },
  REPLICA_NOT_AVAILABLE: { reaction: 'retry' },
  MESSAGE_TOO_LARGE: { reaction: 'stop', code: 'TM3003' },
  STALE_CONTROLLER_EPOCH: { reaction: 'retry' },
  OFFSET_METADATA_TOO_LARGE: { reaction: 'stop' },
  NETWORK_EXCEPTION: { reaction: 'retry' },
  COORDINATOR_LOAD_IN_PROGRESS: { reaction: 'retry' },
  COORDINATOR_NOT_AVAILABLE: { reaction: 'retry' },
  NOT_COORDINATOR: { reaction: 'retry' },
  INVALID_TOPIC_EXCEPTION: { reaction: 'usage' },
  RECORD_LIST_TOO_LARGE: { reaction: 'stop', code: 'TM3003' },
  NOT_ENOUGH_REPLICAS: { reaction: 'retry' },
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: { reaction: 'retry' },
  INVALID_REQUIRED_ACKS: { reaction: 'usage' },
  ILLEGAL_GENERATION: { reaction: 'rejoin', code: 'TM5005' },
  INCONSISTENT_GROUP_PROTOCOL: { reaction: 'usage', code: 'TM1006' },
  INVALID_GROUP_ID: { reaction: 'usage' },
  UNKNOWN_MEMBER_ID: { reaction: 'rejoin', code: 'TM5005' },
  INVALID_SESSION_TIMEOUT: { reaction: 'usage', code: 'TM2005' },
  REBALANCE_IN_PROGRESS: { reaction: 'rejoin', code: 'TM5005', membership: 'retry' },
  INVALID_COMMIT_OFFSET_SIZE: { reaction: 'stop' },
  TOPIC_AUTHORIZATION_FAILED: { reaction: 'stop', code: 'TM2008' },
  GROUP_AUTHORIZATION_FAILED: { reaction: 'stop', code: 'TM2008' },
  CLUSTER_AUTHORIZATION_FAILED: { reaction: 'stop', code: 'TM2008' },
  INVALID_TIMESTAMP: { reaction: 'stop', code: 'TM3006' },
  UNSUPPORTED_SASL_MECHANISM: { reaction: 'stop', code: 'TM2010' },
  ILLEGAL_SASL_STATE: { reaction: 'stop', code: 'TM2010' },
  UNSUPPORTED_VERSION: { reaction: 'stop', code: 'TM2009' },
  TOPIC_ALREADY_EXISTS: { reaction: 'stop' },
  INVALID_PARTITIONS: { reaction: 'usage', code: 'TM2005' },
  INVALID_REPLICATION_FACTOR: { reaction: 'usage', code: 'TM2005' },
  INVALID_REPLICA_ASSIGNMENT: { reaction: 'usage' },
  INVALID_CONFIG: { reaction: 'usage', code: 'TM2005' },
  NOT_CONTROLLER: { reaction: 'retry' },
  INVALID_REQUEST: { reaction: 'stop' },
  UNSUPPORTED_FOR_MESSAGE_FORMAT: { reaction: 'stop' },
  POLICY_VIOLATION: { reaction: 'usage', code: 'TM2005' },
  OUT_OF_ORDER_SEQUENCE_NUMBER: { reaction: 'abort-epoch' },
  DUPLICATE_SEQUENCE_NUMBER: { reaction: 'abort-epoch' },
  INVALID_PRODUCER_EPOCH: { reaction: 'rejoin', code: 'TM5001' },
  INVALID_TXN_STATE: { reaction: 'abort-epoch' },
  INVALID_PRODUCER_ID_MAPPING: { reaction: 'abort-epoch' },
  INVALID_TRANSACTION_TIMEOUT: { reaction: 'usage', code: 'TM2005' },
  CONCURRENT_TRANSACTIONS: { reaction: 'retry' },
  TRANSACTION_COORDINATOR_FENCED: { reaction: 'abort-epoch' },
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: { reaction: 'stop', code: 'TM2008' },
  SECURITY_DISABLED: { reaction: 'stop' },
  OPERATION_NOT_ATTEMPTED: { reaction: 'stop' },
  KAFKA_STORAGE_ERROR: { reaction: 'retry' },
  LOG_DIR_NOT_FOUND: { reaction: 'stop' },
  SASL_AUTHENTICATION_FAILED: { reaction: 'stop', code: 'TM2010' },
  UNKNOWN_PRODUCER_ID: { reaction: 'abort-epoch' },
  REASSIGNMENT_IN_PROGRESS: { reaction: 'retry' },
  DELEGATION_TOKEN_AUTH_DISABLED: { reaction: 'stop' },
  DELEGATION_TOKEN_NOT_FOUND: { reaction: 'stop' },
  DELEGATION_TOKEN_OWNER_MISMATCH: { reaction: 'stop' },
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: { reaction: 'stop' },
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: { reaction: 'stop', code: 'TM2008' },
  DELEGATION_TOKEN_EXPIRED: { reaction: 'stop', code: 'TM2010' },
  INVALID_PRINCIPAL_TYPE: { reaction: 'stop' },
  NON_EMPTY_GROUP: { reaction: 'stop' },
  GROUP_ID_NOT_FOUND: { reaction: 'rejoin', code: 'TM5005' },
  FETCH_SESSION_ID_NOT_FOUND: { reaction: 'retry' },
  INVALID_FETCH_SESSION_EPOCH: { reaction: 'retry' },
  LISTENER_NOT_FOUND: { reaction: 'retry' },
  TOPIC_DELETION_DISABLED: { reaction: 'stop' },
  FENCED_LEADER_EPOCH: { reaction: 'retry' },
  UNKNOWN_LEADER_EPOCH: { reaction: 'retry' },
  UNSUPPORTED_COMPRESSION_TYPE: { reaction: 'stop', code: 'TM2007' },
  STALE_BROKER_EPOCH: { reaction: 'retry' },
  OFFSET_NOT_AVAILABLE: { reaction: 'retry' },
  MEMBER_ID_REQUIRED: { reaction: 'retry' },
  PREFERRED_LEADER_NOT_AVAILABLE: { reaction: 'retry' },
  GROUP_MAX_SIZE_REACHED: { reaction: 'stop' },
  FENCED_INSTANCE_ID: { reaction: 'stop', code: 'TM1012' },
  ELIGIBLE_LEADERS_NOT_AVAILABLE: { reaction: 'retry' },
  ELECTION_NOT_NEEDED: { reaction: 'retry' },
  NO_REASSIGNMENT_IN_PROGRESS: { reaction: 'stop' },
  GROUP_SUBSCRIBED_TO_TOPIC: { reaction: 'stop' },
  INVALID_RECORD: { reaction: 'stop' },
  UNSTABLE_OFFSET_COMMIT: { reaction: 'retry' },
  THROTTLING_QUOTA_EXCEEDED: { reaction: 'retry' },
  PRODUCER_FENCED: { reaction: 'rejoin', code: 'TM5001' },
  RESOURCE_NOT_FOUND: { reaction: 'stop' },
  DUPLICATE_RESOURCE: { reaction: 'stop' },
  UNACCEPTABLE_CREDENTIAL: { reaction: 'stop' },
  INCONSISTENT_VOTER_SET: { reaction: 'stop' },
  INVALID_UPDATE_VERSION: { reaction: 'stop' },
  FEATURE_UPDATE_FAILED: { reaction: 'stop' },
  PRINCIPAL_DESERIALIZATION_FAILURE: { reaction: 'stop' },
  SNAPSHOT_NOT_FOUND: { reaction: 'stop' },
  POSITION_OUT_OF_RANGE: { reaction: 'stop' },
  UNKNOWN_TOPIC_ID: { reaction: 'retry', code: 'TM2003', fetch: 'must-pass-soon' },
  DUPLICATE_BROKER_REGISTRATION: { reaction: 'stop' },
  BROKER_ID_NOT_REGISTERED: { reaction: 'stop' },
  INCONSISTENT_TOPIC_ID: { reaction: 'retry' },
  INCONSISTENT_CLUSTER_ID: { reaction: 'stop' },
  TRANSACTIONAL_ID_NOT_FOUND: { reaction: 'abort-epoch' },
  FETCH_SESSION_TOPIC_ID_ERROR: { reaction: 'retry' },
  INELIGIBLE_REPLICA: { reaction: 'stop' },
  NEW_LEADER_ELECTED: { reaction: 'retry' },
  OFFSET_MOVED_TO_TIERED_STORAGE: { reaction: 'stop' },
  FENCED_MEMBER_EPOCH: { reaction: 'rejoin', code: 'TM5005' },
  UNRELEASED_INSTANCE_ID: { reaction: 'stop' },
  UNSUPPORTED_ASSIGNOR: { reaction: 'usage' },
  STALE_MEMBER_EPOCH: { reaction: 'rejoin', code: 'TM5005' },
  MISMATCHED_ENDPOINT_TYPE: { reaction: 'stop' },
  UNSUPPORTED_ENDPOINT_TYPE: { reaction: 'stop' },
  UNKNOWN_CONTROLLER_ID: { reaction: 'retry' },
  UNKNOWN_SUBSCRIPTION_ID: { reaction: 'stop' },
  TELEMETRY_TOO_LARGE: { reaction: 'stop' },
  INVALID_REGISTRATION: { reaction: 'stop' },
  TRANSACTION_ABORTABLE: { reaction: 'abort-epoch' },
  INVALID_RECORD_STATE: { reaction: 'stop' },
  SHARE_SESSION_NOT_FOUND: { reaction: 'retry' },
  INVALID_SHARE_SESSION_EPOCH: { reaction: 'retry' },
  FENCED_STATE_EPOCH: { reaction: 'stop' },
  INVALID_VOTER_KEY: { reaction: 'stop' },
  DUPLICATE_VOTER: { reaction: 'stop' },
  VOTER_NOT_FOUND: { reaction: 'stop' },
  INVALID_REGULAR_EXPRESSION: { reaction: 'usage' },
  REBOOTSTRAP_REQUIRED: { reaction: 'retry' },
  STREAMS_INVALID_TOPOLOGY: { reaction: 'stop' },
  STREAMS_INVALID_TOPOLOGY_EPOCH: { reaction: 'stop' },
  STREAMS_TOPOLOGY_FENCED: { reaction: 'stop' },
  SHARE_SESSION_LIMIT_REACHED: { reaction: 'retry' },
  GROUP_DELETION_FAILED: { reaction: 'stop' },
  STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED: { reaction: 'stop' },
  CONTROLLER_ID_NOT_REGISTERED: { reaction: 'stop' },
};

/**
 * For codes that are newer than this program: nothing of the epoch is kept, it is replayed from the log, and the restart
 * strategy paces that and gives up. It is never taken for a success, and never sends the same request again.
 */
const UNKNOWN: ErrorRule = { reaction: 'abort-epoch' };

const BY_NAME: ReadonlyMap<string, ErrorRule> = new Map(Object.entries(RULES));

/** The rule for an error code other than 0; total. */
export function errorRule(kafkaErrorCode: number): ErrorRule {
  return BY_NAME.get(kafkaErrorName(kafkaErrorCode)) ?? UNKNOWN;
}

/** What the runtime does about a Kafka error code. */
export function reactionTo(kafkaErrorCode: number): Reaction {
  return errorRule(kafkaErrorCode).reaction;
}

/** The same about an answer to JoinGroup, SyncGroup or Heartbeat. */
export function membershipReactionTo(kafkaErrorCode: number): Reaction {
  const { membership, reaction } = errorRule(kafkaErrorCode);
  return membership ?? reaction;
}
