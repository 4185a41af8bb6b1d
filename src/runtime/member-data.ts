import type { TaskId } from './job-plan';

/** What rides in JoinGroup's user data. Small on purpose: group metadata is one record of about 1 MB (B5). */
export interface SubscriptionData {
  readonly v: 1;
  /** Fingerprint of the topology: members of different jobs must not share a group. */
  readonly fingerprint: string;
  readonly incarnation: number;
  readonly owned: readonly string[];
  readonly generation: number;
  readonly previous: readonly string[];
}

/** What rides in SyncGroup's user data: the tasks, which are the truth; partitions are derived from them (B5). */
export interface AssignmentData {
  readonly v: 1;
  readonly incarnation: number;
  readonly tasks: readonly TaskId[];
}

export function encodeSubscription(data: Omit<SubscriptionData, 'v'>): Buffer {
  return Buffer.from(JSON.stringify({ v: 1, ...data }));
}

/** Null when it is not ours: a foreign program in our group. */
export function decodeSubscription(bytes: Buffer): SubscriptionData | null {
  return parse(bytes, (data: SubscriptionData) => data.v === 1 && Array.isArray(data.owned));
}

export function encodeAssignment(data: Omit<AssignmentData, 'v'>): Buffer {
  return Buffer.from(JSON.stringify({ v: 1, ...data }));
}

/** Null when it is not ours or empty. */
export function decodeAssignment(bytes: Buffer): AssignmentData | null {
  return parse(bytes, (data: AssignmentData) => data.v === 1 && Array.isArray(data.tasks));
}

function parse<T>(bytes: Buffer, valid: (data: T) => boolean): T | null {
  try {
    const data = JSON.parse(bytes.toString('utf8')) as T;
    return typeof data === 'object' && data !== null && valid(data) ? data : null;
  } catch {
    return null;
  }
}
