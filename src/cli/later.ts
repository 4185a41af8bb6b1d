import type { Command } from 'commander';
import { TidemarkError } from '../errors';

/** @throws TidemarkError TM1008: `what` comes with a later release */
export function refuseLater(what: string, release: string): never {
  throw new TidemarkError('TM1008', 'usage', `${what} is not in this release; it comes with ${release}`);
}

interface LaterCommand {
  readonly name: string;
  readonly description: string;
  readonly release: string;
}

const CHECKPOINT_RELEASE = 'the checkpoint release';

const LATER: readonly LaterCommand[] = [
  { name: 'savepoint', description: 'take a savepoint', release: CHECKPOINT_RELEASE },
  { name: 'rescale', description: 'change the parallelism of a running job', release: CHECKPOINT_RELEASE },
  { name: 'checkpoints', description: 'what can be restored', release: CHECKPOINT_RELEASE },
  {
    name: 'transactions',
    description: 'open transactions of an application',
    release: 'the operations release',
  },
  { name: 'sql', description: 'run SQL', release: 'the SQL release' },
  { name: 'cancel', description: 'stop all instances of an application', release: 'the operations release' },
];

/** The commands that are promised and not there yet: known to the parser, whatever follows, and refused. */
export function addLaterCommands(program: Command): void {
  for (const { name, description, release } of LATER) {
    program
      .command(name)
      .description(`${description} (not in this release)`)
      .argument('[arguments...]')
      .allowUnknownOption()
      .action(() => refuseLater(`'tidemark ${name}'`, release));
  }
}
