// What happens to files, as inotify(7) tells it.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import path from "node:path";

/** IN_CLOSE_WRITE and IN_CLOSE_NOWRITE. */
const CLOSE = 0x18;

export class Watch {
  private readonly watcher: ChildProcess;
  private text = "";

  private constructor(watcher: ChildProcess) {
    this.watcher = watcher;
    watcher.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.text += text;
    });
  }

  /** Watches `files`, of which each is a file or a directory. What watches is built as `program`. */
  static async start(program: string, files: readonly string[]): Promise<Watch> {
    execFileSync("cc", ["-O1", "-o", program, path.join(import.meta.dirname, "watch.c")]);
    const watch = new Watch(spawn(program, files, { stdio: ["pipe", "pipe", "inherit"] }));
    while (!watch.text.includes("ready\n")) await pause();
    return watch;
  }

  /**
   * Ends the watch, having seen that it works: `touch` opens and closes one of the files. Gives what had happened before, a line
   * "WATCH EVENT NAME" for each event.
   */
  async events(touch: () => void): Promise<string[]> {
    const before = await this.settled();
    touch();
    // inotify keeps the order: what is not there by then did not happen before.
    while (!this.lines().slice(before.length).some(isClose) && this.watcher.exitCode === null) await pause();
    const after = this.lines().slice(before.length);
    if (!after.some(isClose)) throw new Error("the watch has noticed nothing");
    const ended = new Promise((resolve) => this.watcher.once("close", resolve));
    this.watcher.stdin!.end();
    await ended;
    return before;
  }

  private lines(): string[] {
    return this.text.split("\n").slice(1, -1);
  }

  /** The lines so far, when no more come. */
  private async settled(): Promise<string[]> {
    for (;;) {
      const { length } = this.text;
      for (let i = 0; i < 5; i++) await pause();
      if (this.text.length === length) return this.lines();
    }
  }
}

function isClose(line: string): boolean {
  return (Number.parseInt(line.split(" ")[1]!, 16) & CLOSE) !== 0;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
