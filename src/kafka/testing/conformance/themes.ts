import type { Bench } from './bench';
import { endOfTransaction } from './themes/end-of-transaction';
import { fencing } from './themes/fencing';
import { groupOffsets } from './themes/group-offsets';
import { groups } from './themes/groups';
import { transactions } from './themes/transactions';

/** What can make a theme come out differently: the version of the brokers, or how many there are. */
export type Dependence = 'version' | 'brokers';

export interface Theme {
  readonly name: string;
  readonly dependsOn: readonly Dependence[];
  readonly cases: (bench: Bench) => void;
}

export const THEMES: readonly Theme[] = [
  { name: 'transactions', dependsOn: ['version'], cases: transactions },
  { name: 'the end of a transaction', dependsOn: ['version'], cases: endOfTransaction },
  { name: 'fencing', dependsOn: ['version'], cases: fencing },
  { name: 'offsets of groups', dependsOn: ['version'], cases: groupOffsets },
  { name: 'groups', dependsOn: ['version'], cases: groups },
];
