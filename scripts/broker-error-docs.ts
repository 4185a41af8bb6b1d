import { judgeAnswer, type CommitStep } from '../src/epoch/protocol/commit-steps';
import { errorRule, membershipReactionTo } from '../src/kafka/client/error-reactions';
import { KAFKA_ERRORS } from '../src/kafka/protocol/errors';

const STEPS: readonly CommitStep[] = ['adding-partitions', 'producing', 'committing-offsets', 'ending'];
const STEPS_OF_VERSION_2 = STEPS.slice(1);
/** Newer than any that is known. */
const UNKNOWN_CODE = 32_000;

const HEAD = `# What follows from a broker's error code

<!-- Generated from the tables in src/kafka/client/error-reactions.ts and src/epoch/protocol/commit-steps.ts by
scripts/generate-error-docs.ts; do not edit. -->

Every error code of Apache Kafka 4.4, and what the runtime does about it.

- *in general*: \`retry\` the same request after a pause · \`abort-epoch\`: drop what the epoch touched, fence, reload from
  the log, replay, as the restart strategy says · \`rejoin\`: the same, and join the group anew · \`usage\`: refuse to
  start, exit code 2 · \`stop\`: the job fails, exit code 1.
- *reading*, where it differs: \`must-pass-soon\`: retried for a while, then \`stop\` · \`check-range\`: the leader is asked
  which offsets it has, then \`retry\` or \`stop\` (TM4003).
- *group*, where it differs: answers to JoinGroup, SyncGroup and Heartbeat.
- *commit*: the verdict within a transaction; where its four steps differ: adding partitions / producing / committing
  offsets / ending. Transaction version 2 has no adding of partitions, and is named where it differs. Stricter than in general, because nothing may be applied twice (PROTOCOL A4): \`retry\` only where the
  answer proves that nothing was done · \`abort\`: as \`abort-epoch\` · \`fenced\`: the same, after the membership is
  confirmed · \`membership-lost\`: as \`rejoin\` · \`duplicate-instance\` and \`stop\`: the job fails.
- *code*: of the error that the job reports, see [errors.md](../errors.md).

A code that is not in the table, of a newer Kafka, aborts the epoch; it is never taken for a success.

| number | error | Kafka: retriable | in general | reading | group | commit | code |
| --- | --- | --- | --- | --- | --- | --- | --- |
`;

/** docs/internals/broker-errors.md. */
export function brokerErrorsPage(): string {
  const known = [...KAFKA_ERRORS].filter(([code]) => code !== 0).sort(([a], [b]) => a - b);
  const rows = known.map(([code, { name, retriable }]) =>
    row(String(code), name, retriable ? 'yes' : '', code),
  );
  return `${HEAD}${[...rows, row('other', '', '', UNKNOWN_CODE)].join('\n')}\n`;
}

function row(number: string, name: string, retriable: string, code: number): string {
  const { reaction, fetch = '', code: tidemark = 'TM2002' } = errorRule(code);
  const membership = membershipReactionTo(code);
  const group = membership === reaction ? '' : membership;
  return `| ${[number, name, retriable, reaction, fetch, group, commit(code), tidemark].join(' | ')} |`;
}

function commit(code: number): string {
  const [first, second] = [inVersion(code, STEPS, 1), inVersion(code, STEPS_OF_VERSION_2, 2)];
  const differs = STEPS_OF_VERSION_2.some(
    (step) => judgeAnswer(step, code, 1) !== judgeAnswer(step, code, 2),
  );
  return differs ? `${first}; version 2: ${second}` : first;
}

function inVersion(code: number, steps: readonly CommitStep[], version: 1 | 2): string {
  const verdicts = steps.map((step) => judgeAnswer(step, code, version));
  return new Set(verdicts).size === 1 ? (verdicts[0] ?? '') : verdicts.join(' / ');
}
