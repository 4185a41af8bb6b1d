import type { Judge, PartitionEnds } from '../judge/judge';
import { problemsOfTiling, readCommitLog } from './commit-log';

/** A stage of the job as it is seen in Kafka: what it reads, and its changelog. */
export interface SeenStage {
  readonly input: string;
  readonly changelog: string;
}

/**
 * Holds against each other what a finished job has left in Kafka: commit records tile their input up to its end, the
 * group's offsets are those of the last commit records, no partition has an open transaction.
 * @returns what does not fit; empty when all does
 */
export async function findInconsistencies(
  judge: Judge,
  group: string,
  stages: readonly SeenStage[],
  otherTopics: readonly string[],
): Promise<string[]> {
  const problems: string[] = [];
  const topics = new Set([...stages.flatMap(({ input, changelog }) => [input, changelog]), ...otherTopics]);
  const ends = new Map<string, readonly PartitionEnds[]>();
  for (const topic of topics) {
    const found = await judge.ends(topic);
    ends.set(topic, found);
    for (const { partition, lso, hw } of found) {
      if (lso !== hw) problems.push(`${topic}-${partition}: last stable offset ${lso}, high watermark ${hw}`);
    }
  }
  const offsets = new Map((await judge.group(group)).map((o) => [`${o.topic}-${o.partition}`, o.offset]));
  for (const { input, changelog } of stages) {
    const log = readCommitLog(await judge.dump(changelog, { key: Buffer.from([0]) }));
    for (const { partition, hw } of ends.get(input) ?? []) {
      const commits = log.get(partition) ?? [];
      problems.push(...problemsOfTiling(commits, input, hw));
      const [committed, recorded] = [offsets.get(`${input}-${partition}`), commits.at(-1)?.offsets[input]];
      if (committed !== recorded)
        problems.push(`${input}-${partition}: group at ${committed}, commit record ${recorded}`);
    }
  }
  for (const { transactionalId, state } of await judge.transactions()) {
    problems.push(`transaction of ${transactionalId} is ${state}`);
  }
  return problems;
}
