import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { TidemarkError } from '../errors';

export interface JobProcessOptions {
  readonly brokers: string;
  readonly applicationId: string;
  readonly stateDir: string;
  readonly executors: number;
  readonly env: Readonly<Record<string, string>>;
}

const STOP_LIMIT_MS = 15_000;
/** Last lines of the job's log, shown when it ends on its own. */
const KEPT_LINES = 20;

/** The job as its own process, started through the command line like anybody's. */
export class JobProcess {
  private readonly options: JobProcessOptions;
  private child: ChildProcess | null = null;
  private exited: Promise<number | null> = Promise.resolve(null);
  private readonly lines: string[] = [];

  constructor(options: JobProcessOptions) {
    this.options = options;
  }

  start(): void {
    const { brokers, applicationId, stateDir, executors, env } = this.options;
    const root = join(__dirname, '..', '..');
    const args = [join(root, 'bin', 'tidemark.js'), 'run', join(__dirname, 'demo-job.js'), '--json'];
    args.push('--brokers', brokers, '--application-id', applicationId, '--instance-id', 'demo');
    args.push('--state-dir', stateDir, '--executors', String(executors));
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: Ctrl-C in the terminal is for the demo, which then stops the job cleanly.
      detached: true,
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => this.keep(data.toString()));
    this.exited = new Promise((resolve) => {
      child.on('exit', (code) => {
        if (this.child === child) this.child = null;
        resolve(code);
      });
    });
  }

  /** @throws {TidemarkError} TM5007 when the job has ended on its own */
  check(): void {
    if (this.child !== null) return;
    throw new TidemarkError('TM5007', 'stop', 'the job has ended on its own', {
      hint: `its last words:\n${this.lines.join('\n')}`,
    });
  }

  /** SIGKILL, as a crash would. */
  async kill(): Promise<void> {
    this.child?.kill('SIGKILL');
    await this.exited;
  }

  /** SIGTERM: final epoch, clean leave. @returns the exit code */
  async stop(): Promise<number | null> {
    const { child } = this;
    if (child === null) return this.exited;
    child.kill('SIGTERM');
    const limit = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    const code = await this.exited;
    clearTimeout(limit);
    return code;
  }

  private keep(text: string): void {
    this.lines.push(...text.split('\n').filter((line) => line !== ''));
    this.lines.splice(0, Math.max(0, this.lines.length - KEPT_LINES));
  }
}
