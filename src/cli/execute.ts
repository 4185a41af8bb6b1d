import type { CliIo } from './io';
import { buildProgram } from './program';
import { EXIT_DONE, EXIT_USAGE, reportError } from './report-error';
import type { CliServices } from './services';

/**
 * Runs one command line.
 * @param argv what follows the program's name
 * @returns the exit code: 0 done, 1 the job failed, 2 usage, configuration or job definition is wrong. Never throws,
 *   never ends the process, except at the second signal.
 */
export async function execute(argv: readonly string[], io: CliIo, services: CliServices): Promise<number> {
  try {
    const program = buildProgram({ io, services });
    if (argv.length === 0) {
      io.stderr.write(program.helpInformation());
      return EXIT_USAGE;
    }
    await program.parseAsync(argv, { from: 'user' });
    return EXIT_DONE;
  } catch (error) {
    return reportError(error, io, argv.includes('--verbose'));
  }
}
