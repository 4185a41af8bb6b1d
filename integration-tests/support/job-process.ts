import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const COMMAND = join(__dirname, '..', '..', 'bin', 'tidemark.js');
const KEPT_LINES = 4000;
const SHOWN_LINES = 30;

export interface JobProcessOptions {
  /** Job file. */
  readonly module: string;
  readonly brokers: readonly string[];
  readonly applicationId: string;
  /** Default `test`: a restart is the same member with the same transactional id. */
  readonly instanceId?: string;
  readonly stateDir: string;
  readonly executors: number;
  /** `--set key=value` of every start. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface JobStart {
  /** `point` or `point:n`: where the process gives itself a SIGKILL. */
  readonly fault?: string;
  readonly untilEnd?: boolean;
  /** Further settings, which win. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface JobExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A line of the job's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly message: string };

/** `tidemark run` as a child process that may die and be started again. Needs compiled sources in `dist`. */
export class JobProcess {
  private readonly options: JobProcessOptions;
  private child: ChildProcess | null = null;
  private ended: Promise<JobExit> = Promise.resolve({ code: null, signal: null });
  private lines: string[] = [];
  private startTime = 0;

  constructor(options: JobProcessOptions) {
    this.options = options;
  }

  get running(): boolean {
    return this.child !== null;
  }

  /** Of the running or last process. */
  get exited(): Promise<JobExit> {
    return this.ended;
  }

  /** When the process was spawned, milliseconds since 1970. */
  get startedAt(): number {
    return this.startTime;
  }

  start(how: JobStart = {}): void {
    if (this.child !== null) throw new Error('the job runs already');
    const env = { ...process.env, ...this.options.env, TIDEMARK_FAULT: how.fault ?? '' };
    this.lines = [];
    this.startTime = Date.now();
    const child = spawn(process.execPath, this.commandLine(how), { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input, crlfDelay: Infinity }).on('line', (line) => this.keep(line));
    }
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        this.child = null;
        resolve({ code, signal });
      });
    });
  }

  /** Sends a signal and waits for the end; the exit when it runs no more. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<JobExit> {
    this.child?.kill(signal);
    return this.ended;
  }

  /** Lines of the present or last process's log with this message, oldest first. */
  logged(message: string): LogLine[] {
    return this.lines.flatMap((line): LogLine[] => {
      const parsed = parseLine(line);
      return parsed?.message === message ? [parsed] : [];
    });
  }

  /** For an error message: the end of the log. */
  lastWords(): string {
    return this.lines.slice(-SHOWN_LINES).join('\n');
  }

  private commandLine({ untilEnd = false, settings = {} }: JobStart): string[] {
    const { module, brokers, applicationId, instanceId = 'test', stateDir, executors } = this.options;
    const words = [
      COMMAND,
      'run',
      module,
      '--json',
      '--brokers',
      brokers.join(','),
      '--application-id',
      applicationId,
    ];
    words.push('--instance-id', instanceId, '--state-dir', stateDir, '--executors', String(executors));
    for (const [key, value] of Object.entries({ ...this.options.settings, ...settings })) {
      words.push('--set', `${key}=${value}`);
    }
    return untilEnd ? [...words, '--until-end'] : words;
  }

  private keep(line: string): void {
    this.lines.push(line);
    if (this.lines.length > KEPT_LINES) this.lines.shift();
  }
}

function parseLine(line: string): LogLine | null {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return null;
  }
}
