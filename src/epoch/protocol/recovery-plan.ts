/**
 * What a task's local store is worth when its owner opens it (PROTOCOL C). Pure: the store's marker and facts about
 * the log in, decision out. A store is a cache: in doubt it is set aside and rebuilt, never trusted, never fatal.
 */
export interface Marker {
  readonly clusterId: string;
  /** Topic id of the changelog topic. */
  readonly topicId: string;
  readonly incarnation: number;
  /** Leader epoch of the changelog partition when the marker was written; -1 when unknown. */
  readonly leaderEpoch: number;
  /** Epoch of the task that the store has applied. */
  readonly taskEpoch: number;
  /** The store holds the effect of every committed changelog record below this offset. */
  readonly nextOffset: number;
  /** Time of the epoch by the broker's clock (LogAppendTime), milliseconds. */
  readonly brokerTime: number;
}

export interface LogFacts {
  readonly clusterId: string;
  readonly topicId: string;
  readonly incarnation: number;
  /** First offset that the broker still has. */
  readonly startOffset: number;
  /** From ListOffsets, never from a fetch (B4). */
  readonly highWatermark: number;
  /** `delete.retention.ms` of the changelog topic. */
  readonly deleteRetentionMs: number;
  /** Now, milliseconds since 1970. */
  readonly now: number;
}

/** What opening the local store found. */
export type StoreFacts =
  | { readonly kind: 'absent' }
  | { readonly kind: 'broken'; readonly reason: string }
  | { readonly kind: 'intact'; readonly marker: Marker };

export type RecoveryPlan =
  /** Keep the store, replay [from, high watermark). */
  | { readonly kind: 'tail'; readonly from: number }
  /** Set the store aside when there is one (`discard` says why), replay everything. */
  | { readonly kind: 'rebuild'; readonly discard: string | null };

export function planRecovery(store: StoreFacts, log: LogFacts): RecoveryPlan {
  if (store.kind === 'absent') return { kind: 'rebuild', discard: null };
  if (store.kind === 'broken') return { kind: 'rebuild', discard: store.reason };
  const objection = objectionTo(store.marker, log);
  return objection === null
    ? { kind: 'tail', from: store.marker.nextOffset }
    : { kind: 'rebuild', discard: objection };
}

function objectionTo(marker: Marker, log: LogFacts): string | null {
  if (marker.clusterId !== log.clusterId) return 'it belongs to another Kafka cluster';
  if (marker.topicId !== log.topicId) return 'it belongs to another changelog topic';
  if (marker.incarnation !== log.incarnation) {
    return `it belongs to incarnation ${marker.incarnation}, the job runs ${log.incarnation}`;
  }
  if (marker.nextOffset > log.highWatermark) {
    return `it is ahead of the log: ${marker.nextOffset} against ${log.highWatermark}`;
  }
  // C2: a tombstone may be gone, and a deleted key would live again.
  const age = log.now - marker.brokerTime;
  if (age > log.deleteRetentionMs / 2) return `it is ${Math.round(age / 1000)} s old, tombstones may be gone`;
  return null;
}
