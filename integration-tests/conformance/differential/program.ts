import fc from 'fast-check';

export const PARTITIONS = 2;
/** Actors 0 and 1 share a transactional id, so that one of them becomes the other's zombie; 2 has its own. */
export const ACTORS = ['shared', 'shared', 'alone'] as const;

/** Whose generation and member id an offset commit names. */
export type Claim = 'current' | 'stale' | 'unknown member' | 'none';

/** One step of a random program. It is taken whether or not it is allowed. */
export type Step =
  | { readonly kind: 'init'; readonly actor: number; readonly how: 'takeover' | 'own' }
  | { readonly kind: 'add'; readonly actor: number; readonly partition: number }
  | {
      readonly kind: 'send';
      readonly actor: number;
      readonly partition: number;
      readonly records: number;
      readonly sequence: 'next' | 'repeated' | 'gap';
    }
  | { readonly kind: 'addGroup'; readonly actor: number }
  | { readonly kind: 'txnOffset'; readonly actor: number; readonly claim: Claim }
  | { readonly kind: 'end'; readonly actor: number; readonly commit: boolean }
  | { readonly kind: 'plain'; readonly partition: number; readonly records: number }
  | { readonly kind: 'deleteRecords'; readonly partition: number; readonly share: number }
  | { readonly kind: 'join' }
  | { readonly kind: 'leave' }
  | { readonly kind: 'heartbeat'; readonly claim: Claim }
  | { readonly kind: 'offsetCommit'; readonly claim: Claim }
  | { readonly kind: 'offsetFetch' };

const actor = fc.nat(ACTORS.length - 1);
const partition = fc.nat(PARTITIONS - 1);
const records = fc.integer({ min: 1, max: 3 });
const claim = fc.constantFrom<Claim>('current', 'current', 'stale', 'unknown member', 'none');
const sequence = fc.constantFrom('next', 'next', 'next', 'next', 'repeated', 'gap');
const how = fc.constantFrom('takeover', 'own');

function step<K extends Step['kind']>(
  weight: number,
  kind: K,
  parts: { [P in Exclude<keyof Extract<Step, { kind: K }>, 'kind'>]: fc.Arbitrary<unknown> },
): { weight: number; arbitrary: fc.Arbitrary<Step> } {
  return {
    weight,
    arbitrary: fc.record({
      kind: fc.constant(kind),
      ...parts,
    }) as fc.Arbitrary<unknown> as fc.Arbitrary<Step>,
  };
}

/** A program: mostly what a producer does in order, and everything else in between. */
export const program: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    step(3, 'init', { actor, how }),
    step(5, 'add', { actor, partition }),
    step(8, 'send', { actor, partition, records, sequence }),
    step(2, 'addGroup', { actor }),
    step(3, 'txnOffset', { actor, claim }),
    step(6, 'end', { actor, commit: fc.boolean() }),
    step(2, 'plain', { partition, records }),
    step(1, 'deleteRecords', { partition, share: fc.integer({ min: 0, max: 100 }) }),
    step(2, 'join', {}),
    step(1, 'leave', {}),
    step(1, 'heartbeat', { claim }),
    step(2, 'offsetCommit', { claim }),
    step(2, 'offsetFetch', {}),
  ),
  { minLength: 20, maxLength: 60, size: 'max' },
);
