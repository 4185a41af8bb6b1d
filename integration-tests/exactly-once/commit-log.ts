import type { DumpedRecord } from '../judge/judge';

/** What this check needs of a commit record, parsed here anew: the judge must not share the decoder of the judged. */
export interface SeenCommit {
  readonly partition: number;
  readonly offset: number;
  readonly epoch: number;
  readonly incarnation: number;
  readonly generation: number;
  readonly offsets: Readonly<Record<string, number>>;
}

/** The commit records of one changelog by partition, in log order. */
export type CommitLog = ReadonlyMap<number, readonly SeenCommit[]>;

const COMMIT_KEY = 0;

export function isCommitRecord({ key }: DumpedRecord): boolean {
  return key !== null && key.length === 1 && key[0] === COMMIT_KEY;
}

export function readCommitLog(records: readonly DumpedRecord[]): CommitLog {
  const log = new Map<number, SeenCommit[]>();
  for (const record of records) {
    if (!isCommitRecord(record) || record.value === null) continue;
    const parsed = JSON.parse(record.value.toString('utf8')) as Omit<SeenCommit, 'partition' | 'offset'>;
    const list = log.get(record.partition) ?? [];
    list.push({ ...parsed, partition: record.partition, offset: record.offset });
    log.set(record.partition, list);
  }
  return log;
}

/** What is wrong with the commit records of one task as a tiling of its input: each begins where the one before ended. */
export function problemsOfTiling(commits: readonly SeenCommit[], input: string, end: number): string[] {
  const problems: string[] = [];
  let before: SeenCommit | null = null;
  for (const commit of commits) {
    const problem = problemOf(before, commit, input);
    if (problem !== null) problems.push(`${input}-${commit.partition}: record @${commit.offset} ${problem}`);
    before = commit;
  }
  const last = before?.offsets[input];
  if (last !== end) problems.push(`the last commit record is at ${String(last)}, the input ends at ${end}`);
  return problems;
}

function problemOf(before: SeenCommit | null, commit: SeenCommit, input: string): string | null {
  const at = commit.offsets[input];
  if (at === undefined) return 'lacks the input';
  if (before === null) return commit.epoch === 1 ? null : `is the first and has epoch ${commit.epoch}`;
  if (commit.incarnation !== before.incarnation) return `has incarnation ${commit.incarnation}`;
  if (commit.epoch !== before.epoch + 1) return `has epoch ${commit.epoch} after ${before.epoch}`;
  if (commit.generation < before.generation)
    return `has generation ${commit.generation} after ${before.generation}`;
  const was = before.offsets[input] ?? 0;
  return at < was ? `goes back from ${was} to ${at}` : null;
}
