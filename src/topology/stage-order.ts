import { badDefinition } from './names';
import type { Stage } from './stage';

type Ordered = Pick<Stage, 'name' | 'inputs'>;

/**
 * The stages with every upstream before its readers, otherwise in the given order.
 * @throws {TidemarkError} TM1004 when stages feed each other in a circle: a merge of a stream with one that was keyed
 *   out of it. Barriers and draining would wait for themselves.
 */
export function inTopologicalOrder<S extends Ordered>(stages: readonly S[]): readonly S[] {
  const ordered: S[] = [];
  const done = new Set<string>();
  let rest = stages;
  while (rest.length > 0) {
    const ready = rest.filter((stage) => upstreamsOf(stage).every((name) => done.has(name)));
    if (ready.length === 0) throw circular(rest);
    ready.forEach((stage) => done.add(stage.name));
    ordered.push(...ready);
    rest = rest.filter((stage) => !done.has(stage.name));
  }
  return ordered;
}

function upstreamsOf(stage: Ordered): readonly string[] {
  return stage.inputs.flatMap((input) => (input.kind === 'shuffle' ? [input.upstream] : []));
}

function circular(stages: readonly Ordered[]): Error {
  const names = stages.map((stage) => `'${stage.name}'`).join(', ');
  return badDefinition(
    `merge() joins a stream with one that a keyBy made out of it: the stages ${names} would feed themselves`,
    'let both streams end in the same topic with to(), or bring both through keyBys of their own before merge()',
  );
}
