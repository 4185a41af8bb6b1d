import type { LogicalGraph } from '../topology/graph';
import { badDefinition, checkName } from '../topology/names';
import { planTopology } from '../topology/plan';
import type { Topology } from '../topology/stage';
import { checkFunction } from './arguments';
import type { JobEnvironment } from './env';
import { JobBuilder } from './job-builder';
import { jobEnvironment } from './job-env';

/** Registered, so that a job made by another copy of the package is a job too. */
const BRAND = Symbol.for('tidemark.job');

/** A job: its name and what it does, immutable. The default export of a job module. */
export interface Job {
  /** Default of the application id. */
  readonly name: string;
  readonly graph: LogicalGraph;
  readonly topology: Topology;
}

/**
 * Describes a job. `define` builds streams from `env` and ends them with `to`; it runs once, now, and must be
 * synchronous. Nothing is read or written before the job is run.
 *
 * @param name 1 to 100 of a-z, A-Z, 0-9, '.', '_', '-'
 * @throws {TidemarkError} TM1004, naming the call that is wrong
 */
export function defineJob(name: string, define: (env: JobEnvironment) => unknown): Job {
  checkName('defineJob()', name);
  const builder = new JobBuilder();
  const returned = checkFunction('defineJob()', define)(jobEnvironment(builder));
  if (typeof (returned as { then?: unknown } | undefined)?.then === 'function') {
    throw badDefinition(`the definition of job '${name}' returned a promise`, 'build streams synchronously');
  }
  return jobOf(name, builder.finish());
}

/** A job from a graph that a front end has built. @throws {TidemarkError} TM1004 as {@link planTopology} */
export function jobOf(name: string, graph: LogicalGraph): Job {
  return Object.freeze({ [BRAND]: true, name, graph, topology: planTopology(graph, name) });
}

/** Whether `value` is what {@link defineJob} made, also by another copy of this package. */
export function isJob(value: unknown): value is Job {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;
}
