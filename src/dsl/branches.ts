import type { SplitNode } from '../topology/graph';
import { badDefinition } from '../topology/names';
import { checkFunction } from './arguments';
import type { BranchPredicate } from './stream';

const INTEGER = /^(0|[1-9]\d*)$/;
const always = (): boolean => true;

/** The predicates in the order written. @throws {TidemarkError} TM1004 when that order is lost or leaves one out */
export function splitPredicates(
  branches: Readonly<Record<string, BranchPredicate<never>>>,
  where: string,
): SplitNode['predicates'] {
  const names = Object.keys(branches ?? {});
  if (names.length === 0)
    throw badDefinition('branch() has no branches', 'give it { name: predicate }', where);
  const integer = names.find((name) => INTEGER.test(name));
  if (integer !== undefined) {
    // JavaScript moves such properties to the front: the first match would not be the one written first.
    throw badDefinition(
      `branch(): '${integer}' cannot be the name of a branch`,
      'use a name that is no number',
      where,
    );
  }
  return names.map((name, index) => {
    const predicate = branches[name];
    if (predicate !== true)
      return checkFunction(`branch() '${name}'`, predicate, where) as SplitNode['predicates'][number];
    if (index === names.length - 1) return always;
    throw badDefinition(
      `branch(): '${name}' takes everything, so '${names[index + 1]}' gets nothing`,
      'put it last',
      where,
    );
  });
}
