// A tree beside the one that is served, which nobody may touch, and what watches it.

import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Watch } from "../../support/watch.ts";

export class Decoy {
  readonly folder: string;
  private readonly watch: Watch;

  private constructor(folder: string, watch: Watch) {
    this.folder = folder;
    this.watch = watch;
  }

  /** Makes the tree at `folder`, and watches all of it. */
  static async make(folder: string): Promise<Decoy> {
    mkdirSync(path.join(folder, "sub"), { recursive: true });
    const files = ["secret", "sub/other"].map((file) => path.join(folder, file));
    for (const file of files) writeFileSync(file, "outside");
    const watched = [folder, path.join(folder, "sub"), ...files];
    return new Decoy(folder, await Watch.start(`${folder}-watch`, watched));
  }

  /** What has happened to it: nothing, that is an empty list. Ends the watch, after having seen that it worked. */
  events(): Promise<string[]> {
    return this.watch.events(() => closeSync(openSync(path.join(this.folder, "secret"), "r")));
  }
}
