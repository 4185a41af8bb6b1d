import { spawn } from 'node:child_process';

const KEPT_OUTPUT_CHARS = 64 * 1024;

export interface CommandResult {
  /** Exit code; undefined when the command could not be started or was ended by a signal. */
  readonly code: number | undefined;
  /** The end of what it wrote to both outputs, at most 64 Ki characters. */
  readonly output: string;
}

export interface CommandOptions {
  readonly limitMs: number;
  readonly cwd?: string;
}

/** Runs a program without a shell and without input, ended with SIGKILL after `limitMs`. Never rejects. */
export function runCommand(
  command: string,
  args: readonly string[],
  { limitMs, cwd }: CommandOptions,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
      timeout: limitMs,
      killSignal: 'SIGKILL',
    });
    let output = '';
    const take = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-KEPT_OUTPUT_CHARS);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => resolve({ code: undefined, output: error.message }));
    child.on('close', (code) => resolve({ code: code ?? undefined, output }));
  });
}
