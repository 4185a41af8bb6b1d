import type { Bench } from './bench';
import { admin } from './themes/admin';
import { brokerLoss } from './themes/broker-loss';
import { compaction } from './themes/compaction';
import { endOfTransaction } from './themes/end-of-transaction';
import { fencing } from './themes/fencing';
import { groupOffsets } from './themes/group-offsets';
import { groups } from './themes/groups';
import { logStart } from './themes/log-start';
import { produce } from './themes/produce';
import { reading } from './themes/reading';
import { sequences } from './themes/sequences';
import { staticMembers } from './themes/static-members';
import { transactions } from './themes/transactions';
import { versionTwo } from './themes/version-two';

/** What can make a theme come out differently: the version of the brokers, or how many there are. */
export type Dependence = 'version' | 'brokers';

export interface Theme {
  readonly name: string;
  readonly dependsOn: readonly Dependence[];
  readonly cases: (bench: Bench) => void;
}

export const THEMES: readonly Theme[] = [
  { name: 'topics', dependsOn: ['brokers'], cases: admin },
  { name: 'produce', dependsOn: [], cases: produce },
  { name: 'sequence numbers', dependsOn: [], cases: sequences },
  { name: 'reading', dependsOn: [], cases: reading },
  { name: 'compaction', dependsOn: ['version'], cases: compaction },
  { name: 'the start of a log', dependsOn: [], cases: logStart },
  { name: 'transactions', dependsOn: ['version'], cases: transactions },
  { name: 'the end of a transaction', dependsOn: ['version'], cases: endOfTransaction },
  { name: 'fencing', dependsOn: ['version'], cases: fencing },
  { name: 'offsets of groups', dependsOn: ['version'], cases: groupOffsets },
  { name: 'groups', dependsOn: ['version'], cases: groups },
  { name: 'static members', dependsOn: ['version'], cases: staticMembers },
  { name: 'transaction version 2', dependsOn: ['version'], cases: versionTwo },
  { name: 'the loss of a broker', dependsOn: ['brokers'], cases: brokerLoss },
];
