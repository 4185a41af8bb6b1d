import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { addDevCommand } from './commands/dev';
import { addExplainCommand } from './commands/explain';
import { addResetCommand } from './commands/reset';
import { addRunCommand } from './commands/run';
import { addStatusCommand } from './commands/status';
import { addLaterCommands } from './later';
import type { CommandContext } from './services';

/** The parser with all its commands. It throws instead of ending the process, and prints help through `io`. */
export function buildProgram(context: CommandContext): Command {
  const { io } = context;
  const program = new Command('tidemark')
    .description('Kafka-native exactly-once stream processing for Node.js')
    .version(packageVersion(), '--version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // The error itself comes back as an exception, and is printed in the one form of all errors.
      outputError: () => {},
      getOutHelpWidth: () => io.stdout.columns,
    });
  addRunCommand(program, context);
  addExplainCommand(program, context);
  addStatusCommand(program, context);
  addResetCommand(program, context);
  addDevCommand(program, context);
  addLaterCommands(program);
  for (const command of [program, ...program.commands]) {
    command.option('--verbose', 'print stack traces of errors');
  }
  return program;
}

function packageVersion(): string {
  const text = readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
