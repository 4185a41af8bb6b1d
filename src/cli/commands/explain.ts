import type { Command } from 'commander';
import { explainTopology } from '../../topology/explain';
import { renderExplanation } from '../../topology/explain-text';
import { addInstanceFlags, configFromFlags, type ConfigFlags } from '../config-flags';
import type { CommandContext } from '../services';
import { formatJson } from '../table';

interface ExplainFlags extends ConfigFlags {
  readonly json?: boolean;
}

export function addExplainCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('explain')
    .description('stages, operators, internal topics and state names of a job; connects to nothing')
    .argument('<job>', 'job file: .ts or .js')
    .option('--json', 'print JSON');
  addInstanceFlags(command).action((path: string, flags: ExplainFlags) => explain(path, flags, context));
}

async function explain(path: string, flags: ExplainFlags, { io, services }: CommandContext): Promise<void> {
  const { job } = await services.loadJob(path);
  const config = configFromFlags(flags, io.env, job.name);
  const explanation = explainTopology(job.topology, {
    applicationId: config.applicationId,
    prefix: config.kafka.internalTopics.prefix,
  });
  io.stdout.write(`${flags.json === true ? formatJson(explanation) : renderExplanation(explanation)}\n`);
}
