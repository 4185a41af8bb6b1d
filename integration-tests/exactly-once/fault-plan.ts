import { FAULT_POINTS, type FaultPoint } from '../../src/util/fault-points';
import type { JobStart } from '../support/job-process';

export type Backend = 'heap' | 'leveldb';
export type Mode = 'EXACTLY_ONCE' | 'AT_LEAST_ONCE';

/** What decides whether a fault point lies on a job's way. */
export interface FaultSetting {
  readonly backend: Backend;
  readonly mode: Mode;
  readonly transactionVersion: 1 | 2;
}

/** How the process is brought to a fault point. */
export interface FaultPlan {
  readonly point: FaultPoint;
  /** The state folder is deleted first, so that there is something to replay. */
  readonly withoutState: boolean;
  /** The running job's epoch is made to fail from outside: by taking its transactional id, or else by a death of the broker. */
  readonly provoke: 'nothing' | 'fencing' | 'broker-death';
  readonly start: JobStart;
}

/** Points that a process passes once or a few times while it starts: only the first times are certain to come. */
const AT_START: ReadonlySet<FaultPoint> = new Set([
  'fence.done',
  'recovery.store-opened',
  'recovery.mid-replay',
  'recovery.done',
]);
/** Between the opening of a local store and the marker behind its replay. */
const WITH_TAIL: ReadonlySet<FaultPoint> = new Set(['recovery.mid-replay', 'recovery.done']);
/** The epoch is committed, and the local store does not have it. */
const LEAVES_A_TAIL: FaultPoint = 'txn.end-answered';
/** Later times of the points of an epoch: any of the first few, so that the death is not always in the first epoch. */
const LATEST_TIME = 3;
/** Small epochs: many of them, so that every death is in mid-run. */
const SMALL_EPOCHS = { 'execution.epoch.interval': '20ms' };
/** An epoch of more changes than one batch of the local store holds. */
const LARGE_EPOCHS = { 'execution.epoch.interval': '500ms' };

/** Longer than a broker's restart: a membership that is lost is answered by joining anew, not by reloading. */
const LONG_SESSION = { 'kafka.session-timeout': '40s' };

/** Why the process never comes to this point in such a job; null when it does. */
export function whyNever(
  point: FaultPoint,
  { backend, mode, transactionVersion }: FaultSetting,
): string | null {
  if (point === 'local.mid-write' && backend === 'heap') return 'the heap store takes an epoch in one step';
  const ofTransactions = point === 'txn.partitions-added' || point === 'txn.end-sent';
  if (ofTransactions && mode === 'AT_LEAST_ONCE') return 'there are no transactions';
  if (point === 'txn.partitions-added' && transactionVersion === 2) return 'brokers add the partitions';
  return null;
}

/** Every point that lies on this job's way; those first that want many clicks to be left. */
export function pointsOf(setting: FaultSetting): FaultPoint[] {
  const first: readonly FaultPoint[] = ['local.mid-write', 'abort.dropped'];
  const points = [...first, ...FAULT_POINTS.filter((point) => !first.includes(point))];
  return points.filter((point) => whyNever(point, setting) === null);
}

/**
 * The deaths that show a point, one after the other. A recovery is only worth a death when there is something to replay:
 * first an epoch is committed and not stored.
 */
export function plansFor(
  point: FaultPoint,
  setting: Omit<FaultSetting, 'transactionVersion'>,
  random: () => number,
): FaultPlan[] {
  const plan = planFault(point, setting, random);
  if (setting.backend === 'heap' || !WITH_TAIL.has(point)) return [plan];
  const [before, again] = [
    planFault(LEAVES_A_TAIL, setting, random),
    planFault(LEAVES_A_TAIL, setting, random),
  ];
  return [before, plan, again, { ...plan, withoutState: true }];
}

function planFault(point: FaultPoint, { mode }: { readonly mode: Mode }, random: () => number): FaultPlan {
  const once = AT_START.has(point) || point === 'abort.dropped' || point === 'local.mid-write';
  const time = once ? 1 : 1 + Math.floor(random() * LATEST_TIME);
  const provoke =
    point !== 'abort.dropped' ? 'nothing' : mode === 'EXACTLY_ONCE' ? 'fencing' : 'broker-death';
  const epochs = point === 'local.mid-write' ? LARGE_EPOCHS : SMALL_EPOCHS;
  const settings = provoke === 'broker-death' ? { ...epochs, ...LONG_SESSION } : epochs;
  return { point, withoutState: false, provoke, start: { fault: `${point}:${time}`, settings } };
}
