// A tree beside the one that is served, which nobody may touch, and what watches it.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import path from "node:path";

export class Decoy {
  readonly folder: string;
  private readonly watcher: ChildProcess;
  private text = "";

  private constructor(folder: string, watcher: ChildProcess) {
    this.folder = folder;
    this.watcher = watcher;
  }

  /** Makes the tree at `folder`, and watches all of it. */
  static async make(folder: string): Promise<Decoy> {
    mkdirSync(path.join(folder, "sub"), { recursive: true });
    const files = ["secret", "sub/other"].map((file) => path.join(folder, file));
    for (const file of files) writeFileSync(file, "outside");
    const program = `${folder}-watch`;
    execFileSync("cc", ["-O1", "-o", program, path.join(import.meta.dirname, "watch.c")]);
    const watched = [folder, path.join(folder, "sub"), ...files];
    const decoy = new Decoy(folder, spawn(program, watched, { stdio: ["pipe", "pipe", "inherit"] }));
    decoy.watcher.stdout!.setEncoding("utf8").on("data", (text: string) => {
      decoy.text += text;
    });
    while (!decoy.text.includes("ready\n")) await pause();
    return decoy;
  }

  /** What has happened to it: nothing, that is an empty list. Ends the watch, after having seen that it worked. */
  async events(): Promise<string[]> {
    closeSync(openSync(path.join(this.folder, "secret"), "r"));
    // The last of our own: IN_CLOSE_NOWRITE, told by the file and by its folder.
    while (this.text.match(/^\d+ 10 /gm)?.length !== 2 && this.watcher.exitCode === null) await pause();
    const ended = new Promise((resolve) => this.watcher.once("close", resolve));
    this.watcher.stdin!.end();
    await ended;
    const lines = this.text.trim().split("\n").slice(1);
    return lines.slice(0, -OWN_EVENTS);
  }
}

/** IN_OPEN and IN_CLOSE_NOWRITE, twice each. */
const OWN_EVENTS = 4;

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
