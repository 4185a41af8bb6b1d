import type { ExplainedInput, ExplainedOperator, ExplainedStage, Explanation } from './explain';

const LABEL_WIDTH = 11;

/** What `tidemark explain` prints: one block a stage, lines end without newline at the end of the text. */
export function renderExplanation(explanation: Explanation): string {
  const { applicationId, fingerprint, incarnation, internalTopics, stages } = explanation;
  const head = [
    `application ${applicationId}`,
    field('fingerprint', fingerprint),
    field('incarnation', String(incarnation)),
    ...list('topics', internalTopics),
  ];
  return [head, ...stages.map(renderStage)].map((lines) => lines.join('\n')).join('\n\n');
}

function renderStage(stage: ExplainedStage): string[] {
  const tasks = stage.tasks === undefined ? '' : ` (${stage.tasks} ${stage.tasks === 1 ? 'task' : 'tasks'})`;
  return [
    `stage ${stage.name}${tasks}`,
    ...list('reads', stage.inputs.map(renderInput)),
    ...list('operators', stage.operators.map(renderOperator)),
    ...list(
      'state',
      stage.state.map(({ name, serde }) => `${name} (${serde})`),
    ),
    field('changelog', stage.changelog),
    ...list('writes', [...stage.shuffles, ...stage.outputs]),
  ];
}

function renderInput(input: ExplainedInput): string {
  if (input.kind === 'shuffle') return `${input.topic}, from stage ${input.upstream}`;
  return `${input.topic}, from ${input.startFrom}${renderPolicy(input)}`;
}

function renderPolicy({ badInput }: ExplainedInput): string {
  if (badInput === undefined) return '';
  return badInput.kind === 'dead-letter'
    ? `, bad input to ${badInput.topic}`
    : `, bad input: ${badInput.kind}`;
}

function renderOperator({ id, label, inputs }: ExplainedOperator): string {
  return `#${id} ${label}${inputs.length === 0 ? '' : ` < ${inputs.map((input) => `#${input}`).join(', ')}`}`;
}

function list(label: string, entries: readonly string[]): string[] {
  return entries.map((entry, index) => field(index === 0 ? label : '', entry));
}

function field(label: string, value: string): string {
  return `  ${label.padEnd(LABEL_WIDTH)} ${value}`;
}
