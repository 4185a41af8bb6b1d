import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

const BIN = join(__dirname, '..', '..', 'bin', 'tidemark.js');
const DEFAULT_LIMIT_MS = 40_000;

/** How a process ended, and all that it printed. */
export interface ProcessEnd {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A line of the JSON log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly message: string };

const alive = new Set<TidemarkProcess>();

/** A `tidemark` command in a process of its own, as a user starts it; it speaks to no terminal. */
export class TidemarkProcess {
  readonly ended: Promise<ProcessEnd>;
  private readonly child: ChildProcess;
  private stdout = '';
  private stderr = '';
  private wake: () => void = () => undefined;
  private done = false;

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const inherited = { ...process.env };
    // Jest sets it, and kafkajs has other defaults then.
    delete inherited['NODE_ENV'];
    delete inherited['TIDEMARK_KAFKA_BROKERS'];
    this.child = spawn(process.execPath, [BIN, ...args], {
      env: { ...inherited, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (chunk: Buffer) => this.keep((this.stdout += chunk.toString())));
    this.child.stderr?.on('data', (chunk: Buffer) => this.keep((this.stderr += chunk.toString())));
    alive.add(this);
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code, signal) => {
        this.done = true;
        alive.delete(this);
        this.wake();
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get stdoutSoFar(): string {
    return this.stdout;
  }

  /** Everything printed up to now. */
  get output(): string {
    return `${this.stdout}\n--- stderr ---\n${this.stderr}`;
  }

  /** The complete lines of its log. @throws SyntaxError when one is no JSON */
  logs(): LogLine[] {
    const complete = this.stdout.slice(0, this.stdout.lastIndexOf('\n') + 1);
    return complete
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LogLine);
  }

  /** The first log line that matches, now or later. @throws Error with the output when it ends or time is up before */
  async log(matches: (line: LogLine) => boolean, limitMs = DEFAULT_LIMIT_MS): Promise<LogLine> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const found = this.logs().find(matches);
      if (found !== undefined) return found;
      if (this.done || Date.now() >= deadline) throw new Error(`the log line did not come:\n${this.output}`);
      await this.news(deadline - Date.now());
    }
  }

  /** Its end. @throws Error with the output when it has not ended by then; it is killed */
  async end(limitMs = DEFAULT_LIMIT_MS): Promise<ProcessEnd> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => (timer = setTimeout(resolve, limitMs, 'late')));
    const end = await Promise.race([this.ended, late]);
    clearTimeout(timer);
    if (end !== 'late') return end;
    this.signal('SIGKILL');
    throw new Error(
      `${this.child.spawnargs.slice(2).join(' ')} did not end within ${limitMs} ms:\n${this.output}`,
    );
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.done) this.child.kill(signal);
  }

  private keep(_text: string): void {
    this.wake();
  }

  private news(atMostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, atMostMs));
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.done) this.wake();
    });
  }
}

/** Runs a command to its end. */
export function tidemark(
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly limitMs?: number } = {},
): Promise<ProcessEnd> {
  return new TidemarkProcess(args, options.env).end(options.limitMs);
}

/** For `afterAll`: SIGKILL for whatever a failed test has left behind; resolves when all have ended. */
export async function killLeftovers(): Promise<void> {
  const left = [...alive];
  for (const one of left) one.signal('SIGKILL');
  await Promise.all(left.map((one) => one.ended));
}
