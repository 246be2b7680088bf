import { spawn } from "node:child_process";

/** A line, and when it came, by performance.now(). */
export interface Line {
  readonly atMs: number;
  readonly text: string;
}

/**
 * A program that goes on (a watch, a loop of requests), and when it said what. Lines get their time
 * when they are read: who waits for them must not block this process.
 */
export class LineListener implements Disposable {
  readonly lines: Line[] = [];
  readonly #group: number | undefined;

  constructor([program = "", ...words]: readonly string[]) {
    const child = spawn(program, words, { stdio: ["ignore", "pipe", "ignore"], detached: true });
    this.#group = child.pid;
    let rest = "";
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      const atMs = performance.now();
      const texts = (rest + piece).split("\n");
      rest = texts.pop() ?? "";
      this.lines.push(...texts.map((text) => ({ atMs, text })));
    });
  }

  /** When it first said something that pleases, from a time on. */
  firstMs(pleases: (text: string) => boolean, fromMs: number): number | undefined {
    return this.lines.find(({ atMs, text }) => atMs >= fromMs && pleases(text))?.atMs;
  }

  /** What it started is in a process group of its own, and ends with it. */
  [Symbol.dispose](): void {
    if (this.#group !== undefined) process.kill(-this.#group, "SIGKILL");
  }
}
