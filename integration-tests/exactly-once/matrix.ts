import type { Backend, Mode } from './fault-plan';

export const VERSIONS = ['4.4.0', '3.9.1'] as const;
export type Version = (typeof VERSIONS)[number];
/** What clusters of a version offer when they are new. */
export const TRANSACTION_VERSION: Readonly<Record<Version, 1 | 2>> = { '4.4.0': 2, '3.9.1': 1 };
/** Of rules that hold in the same way whatever the transaction version is: all in the long tier. */
export const RULE_VERSIONS: readonly Version[] =
  process.env['TIDEMARK_CONFORMANCE'] === 'whole' ? VERSIONS : VERSIONS.slice(0, 1);

export const MODES: readonly Mode[] = ['EXACTLY_ONCE', 'AT_LEAST_ONCE'];

const backends: readonly Backend[] = ['leveldb', 'heap'];

/** What the guarantee must not depend on. */
export const FACTORS = {
  version: VERSIONS,
  backend: backends,
  shuffle: [true, false],
  executors: [1, 2],
} as const;
