import type { TaskId } from './job-plan';
import { taskName } from './job-plan';

/** What a member says of itself when it joins. */
export interface MemberClaim {
  readonly memberId: string;
  /** Stable across restarts (group instance id) where there is one, else the member id. */
  readonly name: string;
  /** Task names that the member owns, and in which generation it got them. */
  readonly owned: readonly string[];
  readonly generation: number;
  /** Tasks that this member held before it restarted: its local state is warm. */
  readonly previous: readonly string[];
}

/**
 * The assignor: balanced within each stage, sticky to present and former owners, deterministic. Pure.
 *
 * Every stage's tasks are spread so that two members' shares differ by at most one, and the surplus of one stage goes
 * to those who have fewest tasks so far. A claim of a higher generation beats a lower one.
 */
export function assignTasks(
  tasks: readonly TaskId[],
  members: readonly MemberClaim[],
): Map<string, TaskId[]> {
  const result = new Map<string, TaskId[]>(members.map((member) => [member.memberId, []]));
  if (members.length === 0) return result;
  const ordered = [...members].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const owners = ownersOf(ordered);
  const stages = new Map<string, TaskId[]>();
  for (const task of tasks) stages.set(task.stage, [...(stages.get(task.stage) ?? []), task]);
  for (const stageTasks of stages.values()) assignStage(stageTasks, ordered, owners, result);
  return result;
}

/** The preferred member of each task: the owner of the highest generation, else who had it before a restart. */
function ownersOf(members: readonly MemberClaim[]): Map<string, string> {
  const owners = new Map<string, { memberId: string; generation: number }>();
  for (const member of members) {
    for (const task of member.owned) {
      const known = owners.get(task);
      if (known === undefined || known.generation < member.generation) {
        owners.set(task, { memberId: member.memberId, generation: member.generation });
      }
    }
  }
  for (const member of members) {
    for (const task of member.previous) {
      if (!owners.has(task)) owners.set(task, { memberId: member.memberId, generation: -1 });
    }
  }
  return new Map([...owners].map(([task, { memberId }]) => [task, memberId]));
}

function assignStage(
  tasks: readonly TaskId[],
  members: readonly MemberClaim[],
  owners: ReadonlyMap<string, string>,
  result: Map<string, TaskId[]>,
): void {
  const share = Math.floor(tasks.length / members.length);
  let surplus = tasks.length - share * members.length;
  const taken = new Map<string, number>(members.map((member) => [member.memberId, 0]));
  const left: TaskId[] = [];
  const give = (memberId: string, task: TaskId): void => {
    result.get(memberId)?.push(task);
    const count = (taken.get(memberId) ?? 0) + 1;
    taken.set(memberId, count);
    if (count > share) surplus--;
  };
  for (const task of tasks) {
    const owner = owners.get(taskName(task));
    const count = owner === undefined ? undefined : taken.get(owner);
    const fits = count !== undefined && (count < share || (count === share && surplus > 0));
    if (owner !== undefined && fits) give(owner, task);
    else left.push(task);
  }
  for (const task of left) {
    const free = members.filter(({ memberId }) => {
      const count = taken.get(memberId) ?? 0;
      return count < share || (count === share && surplus > 0);
    });
    const total = (memberId: string): number => result.get(memberId)?.length ?? 0;
    const best = free.reduce((a, b) => (total(b.memberId) < total(a.memberId) ? b : a));
    give(best.memberId, task);
  }
}
