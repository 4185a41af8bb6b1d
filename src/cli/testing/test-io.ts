import { VirtualPlatform } from '../../kafka/client/testing/virtual-platform';
import type { CliIo, StopSignal, TextOutput } from '../io';

class TextSink implements TextOutput {
  text = '';
  columns = 100;
  isTerminal = false;

  write(text: string): void {
    this.text += text;
  }
}

/** A process as the command line sees it, in memory. */
export class TestIo implements CliIo {
  readonly stdout = new TextSink();
  readonly stderr = new TextSink();
  readonly platform = new VirtualPlatform();
  env: NodeJS.ProcessEnv = {};
  interactive = false;
  /** What the person types. */
  answer = '';
  readonly questions: string[] = [];
  readonly exits: number[] = [];
  private readonly handlers = new Set<(signal: StopSignal) => void>();

  ask(question: string): Promise<string> {
    this.questions.push(question);
    return Promise.resolve(this.answer);
  }

  onSignal(handler: (signal: StopSignal) => void): () => void {
    this.handlers.add(handler);
    return () => void this.handlers.delete(handler);
  }

  exitNow(code: number): void {
    this.exits.push(code);
  }

  signal(signal: StopSignal): void {
    for (const handler of this.handlers) handler(signal);
  }

  /** Handlers that are still installed: none may be left behind. */
  listening(): number {
    return this.handlers.size;
  }

  /** The JSON objects of the standard output, one a line. */
  logLines(): Record<string, unknown>[] {
    const lines = this.stdout.text.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}
