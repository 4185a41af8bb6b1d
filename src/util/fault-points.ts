/**
 * Places in the commit and recovery path where a process can be made to die, for the tests that sweep them all.
 * Armed by `TIDEMARK_FAULT=<point>[:<n>]`: at the n-th time that the point is reached (default 1) the process gets
 * SIGKILL from itself. Unarmed, a point is a call of an empty function.
 */
export const FAULT_POINTS = [
  'epoch.sealed',
  'txn.partitions-added',
  'produce.first-sent',
  'produce.first-acked',
  'produce.all-acked',
  'txn.offsets-committed',
  'txn.end-sent',
  'txn.end-answered',
  'local.mid-write',
  'local.applied',
  'fence.done',
  'recovery.store-opened',
  'recovery.mid-replay',
  'recovery.done',
  'abort.dropped',
] as const;

export type FaultPoint = (typeof FAULT_POINTS)[number];

export type FaultInjector = (point: FaultPoint) => void;

const unarmed: FaultInjector = () => undefined;

/** Reads the environment once. @throws {Error} when the variable names no fault point. */
export function faultInjectorFromEnvironment(env: NodeJS.ProcessEnv): FaultInjector {
  const spec = env['TIDEMARK_FAULT'];
  if (spec === undefined || spec === '') return unarmed;
  const [name, count] = spec.split(':');
  if (!(FAULT_POINTS as readonly string[]).includes(name ?? '')) {
    throw new Error(`TIDEMARK_FAULT names no fault point: ${spec}; there are ${FAULT_POINTS.join(', ')}`);
  }
  let left = Number(count ?? 1);
  return (point) => {
    if (point === name && --left === 0) process.kill(process.pid, 'SIGKILL');
  };
}

export { unarmed as noFaults };
