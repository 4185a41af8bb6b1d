import { createInterface } from 'node:readline/promises';
import { systemPlatform } from '../util/system';
import type { Platform } from '../util/ports';

export type StopSignal = 'SIGINT' | 'SIGTERM';

/** Where text goes; a stream of the process, or a string in a test. */
export interface TextOutput {
  readonly isTerminal: boolean;
  /** Width in characters when it is a terminal. */
  readonly columns: number;
  write(text: string): void;
}

/** All that the command line knows of its process, so that it runs within a test as well. */
export interface CliIo {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  readonly env: NodeJS.ProcessEnv;
  readonly platform: Platform;
  /** Whether a person can be asked. */
  readonly interactive: boolean;
  /** The typed answer, without the line end. Only when `interactive`. */
  ask(question: string): Promise<string>;
  /** Calls `handler` on each SIGINT and SIGTERM instead of the default action, until the returned function is called. */
  onSignal(handler: (signal: StopSignal) => void): () => void;
  /** Ends the process at once. */
  exitNow(code: number): void;
}

const SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM'];

export function processIo(): CliIo {
  return {
    stdout: textOutput(process.stdout),
    stderr: textOutput(process.stderr),
    env: process.env,
    platform: systemPlatform,
    interactive: process.stdin.isTTY && process.stdout.isTTY,
    ask,
    onSignal,
    exitNow: (code) => process.exit(code),
  };
}

function textOutput(stream: NodeJS.WriteStream): TextOutput {
  return {
    // Node leaves `isTTY` undefined on pipes and files.
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.columns ?? 80;
    },
    write: (text) => void stream.write(text),
  };
}

async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

function onSignal(handler: (signal: StopSignal) => void): () => void {
  const listeners = SIGNALS.map((signal) => [signal, () => handler(signal)] as const);
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
}
