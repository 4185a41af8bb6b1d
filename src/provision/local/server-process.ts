import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Watchdog } from './watchdog';

const TERM_LIMIT_MS = 30_000;
const LOG_TAIL_BYTES = 64 * 1024;
const LONGEST_REASON_CHARS = 400;

/** Tells the watchdog its process id, then becomes the program of its arguments, which does not get the watchdog's stream. */
const LAUNCHER = 'echo "watch $$" >&3; exec "$@" 3>&-';

/** A program in its own session, with its output appended to a log file. Started and ended any number of times. */
export class ServerProcess {
  readonly #command: readonly string[];
  readonly #logFile: string;
  readonly #watchdog: Watchdog | undefined;
  #child: ChildProcess | undefined;

  /** @param watchdog ends it when this process dies; without one it lives on */
  constructor(command: readonly string[], logFile: string, watchdog: Watchdog | undefined) {
    this.#command = command;
    this.#logFile = logFile;
    this.#watchdog = watchdog;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** Starts it unless it runs. */
  start(): void {
    if (this.#child !== undefined) return;
    const log = openSync(this.#logFile, 'a');
    const child = spawn('/bin/sh', ['-c', LAUNCHER, 'tidemark-broker', ...this.#command], {
      stdio: ['ignore', log, log, this.#watchdog?.input ?? 'ignore'],
      detached: true,
    });
    closeSync(log);
    this.#child = child;
    const ended = (): void => {
      if (this.#child === child) this.#child = undefined;
      if (child.pid !== undefined) this.#watchdog?.forget(child.pid);
    };
    child.once('exit', ended);
    child.once('error', ended);
    if (this.#watchdog === undefined) child.unref();
  }

  /** SIGTERM; after `limitMs` SIGKILL. Resolves when it has ended. */
  async stop(limitMs = TERM_LIMIT_MS): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
    await this.#end(child, 'SIGTERM').finally(() => clearTimeout(timer));
  }

  /** SIGKILL. Resolves when it has ended. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child !== undefined) await this.#end(child, 'SIGKILL');
  }

  async #end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    child.ref();
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  /** The first complaint near the end of its log, for an error message. */
  async complaint(): Promise<string> {
    const lines = (await this.#logTail()).split('\n');
    const exception = lines.find((line) => /^[\w.$]+(Exception|Error): /.test(line));
    const complaint = exception ?? lines.find((line) => line.includes(' ERROR ')) ?? lines.at(-2);
    return (complaint ?? 'its log is empty').trim().slice(0, LONGEST_REASON_CHARS);
  }

  /** Whether its log says that a port was taken. */
  async foundPortTaken(): Promise<boolean> {
    return /Address already in use|BindException/.test(await this.#logTail());
  }

  async #logTail(): Promise<string> {
    const file = await open(this.#logFile, 'r');
    try {
      const { size } = await file.stat();
      const length = Math.min(size, LOG_TAIL_BYTES);
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.toString('utf8');
    } finally {
      await file.close();
    }
  }
}
