import { execute } from './execute';
import { processIo, type CliIo } from './io';
import { realServices } from './real-services';

/** The command line of this process; see {@link execute}. */
export function main(argv: readonly string[], io: CliIo = processIo()): Promise<number> {
  return execute(argv, io, realServices);
}
