import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { must } from '../../util/asserts';

/**
 * Reads `watch PID`, `forget PID` and `dismiss` from its input. At the end of input, that is when the process at the other end is gone
 * without having dismissed it, it kills what is still watched and deletes the folder of its first argument, if any.
 */
const SCRIPT = `
trap '' INT HUP TERM
watched=
while read -r verb pid; do
  case $verb in
    watch) watched="$watched $pid" ;;
    forget)
      rest=
      for one in $watched; do [ "$one" = "$pid" ] || rest="$rest $one"; done
      watched=$rest ;;
    dismiss) exit 0 ;;
  esac
done
for one in $watched; do
  kill -9 "$one" 2>/dev/null
  tries=0
  while kill -0 "$one" 2>/dev/null && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
done
[ -z "$1" ] || rm -rf -- "$1"
`;

/**
 * A small process that ends the servers when this process dies, however that happens, SIGKILL included. It has a session of its own, so
 * that Ctrl-C in a terminal does not end it.
 */
export class Watchdog {
  readonly #process: ChildProcess;
  readonly #input: Writable;

  /** @param deletes folder to delete when this process dies, if any */
  constructor(deletes: string | undefined) {
    this.#process = spawn('/bin/sh', ['-c', SCRIPT, 'tidemark-watchdog', deletes ?? ''], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#input = must(this.#process.stdin, 'input of the watchdog');
    this.#input.on('error', () => undefined);
    this.#process.unref();
    (this.#input as Writable & { unref(): void }).unref();
  }

  /** The stream to hand to a server's launcher, which writes its `watch` line itself: no moment is left unwatched. */
  get input(): Writable {
    return this.#input;
  }

  forget(pid: number): void {
    this.#input.write(`forget ${pid}\n`);
  }

  /** Ends it without killing anything. */
  async dismiss(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.ref();
    const ended = once(this.#process, 'exit');
    this.#input.end('dismiss\n');
    await ended;
  }
}
