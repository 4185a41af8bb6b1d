import type { TextOutput } from '../io';

const CLEAR_LINE = '\r\x1b[2K';

/**
 * The last line of a terminal, redrawn in place. Everything else that is written must go through {@link print}, or
 * the two would mix.
 */
export class LiveLine {
  private readonly output: TextOutput;
  private shown = '';

  constructor(output: TextOutput) {
    this.output = output;
  }

  /** Shows this text instead of the last one; cut to the width of the terminal, because a wrapped line cannot be redrawn. */
  update(text: string): void {
    this.shown = text.slice(0, Math.max(0, this.output.columns - 1));
    this.output.write(CLEAR_LINE + this.shown);
  }

  /** Writes a line that stays, above the live one. */
  print(line: string): void {
    const clear = this.shown === '' ? '' : CLEAR_LINE;
    this.output.write(`${clear}${line}\n${this.shown}`);
  }

  /** Takes the live line away. */
  clear(): void {
    if (this.shown !== '') this.output.write(CLEAR_LINE);
    this.shown = '';
  }
}
