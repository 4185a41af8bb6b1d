import type { ResolvedConfig } from '../config/resolved-config';
import type { ClientContext } from '../kafka/client/client-context';
import type { Isolation } from '../kafka/port';
import type { StateBackend } from '../state/local-store';
import type { Topology } from '../topology/stage';
import type { FaultInjector } from '../util/fault-points';
import type { Logger } from '../util/logger';
import type { JobPlan } from './job-plan';
import type { TopicFacts } from './topic-facts';

/** What one executor runs on: made once per executor, by `open-executor.ts`. */
export interface ExecutorContext extends ClientContext {
  readonly config: ResolvedConfig;
  readonly topology: Topology;
  readonly plan: JobPlan;
  readonly topics: TopicFacts;
  readonly backend: StateBackend;
  readonly fault: FaultInjector;
  readonly logger: Logger;
  /** Position of this executor in its instance, from 0. */
  readonly index: number;
  readonly instanceId: string;
}

/** AT_LEAST_ONCE jobs may read what others have not committed only if they ask for it: they do not. */
export const ISOLATION: Isolation = 'read_committed';

/** One group member and one transactional producer an executor: the names follow from the instance id (B6). */
export function groupInstanceIdOf(context: Pick<ExecutorContext, 'instanceId' | 'index'>): string {
  return `${context.instanceId}-${context.index}`;
}

export function transactionalIdOf(context: Pick<ExecutorContext, 'config' | 'instanceId' | 'index'>): string {
  return `${context.config.transactionalIdPrefix}-${groupInstanceIdOf(context)}`;
}
