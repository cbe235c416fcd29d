// SPDX-License-Identifier: AGPL-3.0-only

/** What is used of a terminal here. */
export interface Terminal {
  columns?: number;
  write(text: string, ...more: unknown[]): boolean;
}

/**
 * Lines at the end of a terminal that are rewritten when they change. What others write to the terminal while the lines
 * are shown appears above them: for that time `terminal.write` is replaced.
 */
export class LiveLines {
  private readonly lines = new Map<number, string>();
  private shown = 0;
  private readonly write: Terminal["write"];

  constructor(private readonly terminal: Terminal) {
    this.write = terminal.write;
  }

  set(key: number, line: string): void {
    if (this.lines.get(key) === line) return;
    if (this.lines.size === 0) this.makeRoom();
    this.erase();
    this.lines.set(key, line);
    this.draw();
  }

  remove(key: number): void {
    if (!this.lines.has(key)) return;
    this.erase();
    this.lines.delete(key);
    this.draw();
    if (this.lines.size === 0) this.terminal.write = this.write;
  }

  private makeRoom(): void {
    this.terminal.write = (text, ...more) => {
      this.erase();
      const flushed = this.write.call(this.terminal, text, ...more);
      this.draw();
      return flushed;
    };
  }

  private erase(): void {
    if (this.shown > 0) this.write.call(this.terminal, `\x1b[${this.shown}A\x1b[0J`);
    this.shown = 0;
  }

  private draw(): void {
    const width = this.terminal.columns ?? 80;
    for (const line of this.lines.values()) this.write.call(this.terminal, `${line.slice(0, width - 1)}\n`);
    this.shown = this.lines.size;
  }
}
