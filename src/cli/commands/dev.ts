import type { Command } from 'commander';
import { TidemarkError } from '../../errors';
import { watchSignals } from '../graceful-stop';
import type { CommandContext } from '../services';

interface DevFlags {
  readonly port?: number;
}

export function addDevCommand(program: Command, context: CommandContext): void {
  program
    .command('dev')
    .description('a local Kafka for development, until Ctrl-C')
    .option('--port <n>', 'port on which it listens; default: a free one', parsePort)
    .action((flags: DevFlags) => dev(flags, context));
}

async function dev({ port }: DevFlags, { io, services }: CommandContext): Promise<void> {
  const signals = watchSignals(io);
  try {
    const kafka = await services.startLocalKafka(port, (line) => io.stderr.write(`${line}\n`));
    io.stdout.write(`${kafka.brokers}\n`);
    if (!kafka.started) {
      io.stderr.write('TIDEMARK_KAFKA_BROKERS names a Kafka that runs already; nothing was started\n');
      return;
    }
    io.stderr.write(`Kafka listens on ${kafka.brokers}; Ctrl-C ends it. In another shell:\n`);
    io.stderr.write(`  export TIDEMARK_KAFKA_BROKERS=${kafka.brokers}\n`);
    await signals.stopAsked;
    await kafka.stop();
  } finally {
    signals.dispose();
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new TidemarkError('TM1007', 'usage', `--port must be a port from 1 to 65535, and is '${text}'`);
}
