import type { StageInput } from './stage';

/** What identifies an input within its stage: the topic of a source, `shuffle:` and the keyBy's name of a shuffle. */
export function inputId(input: StageInput): string {
  return input.kind === 'source' ? input.node.topic : `shuffle:${input.node.name}`;
}
