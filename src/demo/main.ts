import { processIo } from '../cli/io';
import { reportError } from '../cli/report-error';
import { obtainKafka } from '../provision';
import { DEMO_USAGE, parseDemoOptions, type DemoOptions } from './demo-options';
import { Demo, type DemoSummary } from './run-demo';

async function demo(options: DemoOptions): Promise<boolean> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  say('getting a Kafka');
  const handle = await obtainKafka({ log: (line) => say(`  ${line}`) });
  try {
    say(`Kafka ${handle.version} at ${handle.brokers.join(', ')} (${handle.source})`);
    const run = new Demo(options, handle, processIo().stdout);
    process.on('SIGINT', () => run.interrupt());
    const summary = await run.run();
    say(summaryText(summary));
    return summary.holds;
  } finally {
    await handle.stop();
  }
}

function summaryText(summary: DemoSummary): string {
  const n = (value: number): string => value.toLocaleString('en-US').padStart(12);
  return [
    '',
    `clicks in        ${n(summary.clicks)}`,
    `updates out      ${n(summary.records)}`,
    `users            ${n(summary.keys)}`,
    `sum of counts    ${n(summary.sumOfCounts)}`,
    `gaps or repeats  ${n(summary.gapsOrRepeats)}`,
    `wrong users      ${n(summary.wrongUsers)}`,
    `epochs           ${n(summary.epochs)}   committed, over all tasks`,
    `SIGKILLs         ${n(summary.kills)}`,
    `job's exit code  ${String(summary.exitCode).padStart(12)}`,
    `duration         ${summary.seconds.toFixed(1).padStart(12)} s`,
    '',
    summary.holds
      ? 'Every click was counted exactly once: recomputed from the input, read back as committed.'
      : 'THE TOTALS DO NOT HOLD.',
  ].join('\n');
}

async function main(): Promise<number> {
  try {
    const options = parseDemoOptions(process.argv.slice(2));
    if (options.help) {
      process.stdout.write(`${DEMO_USAGE}\n`);
      return 0;
    }
    return (await demo(options)) ? 0 : 1;
  } catch (error) {
    return reportError(error, processIo(), false);
  }
}

void main().then((code) => {
  process.exitCode = code;
});
