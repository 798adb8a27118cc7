// The layers of an overlay as /proc/mounts shows them: the words of whoever mounted it (Linux: ovl_show_options()).

import { duplicate } from "../../lib/bytes.ts";
import { free } from "../../lib/ref-counted.ts";
import { Text } from "../../vfs/text.ts";
import { OverlayFilesystem } from "./filesystem.ts";

@final
export class ShownLayers {
  private readonly lowers: Text = new Text();
  private readonly upper: Text = new Text();
  private readonly workdir: Text = new Text();

  /** lowerdir=: takes the place of all that were given before. */
  setLowers(at: usize, end: usize): void {
    this.lowers.clear();
    this.lowers.text(",lowerdir=").option(at, <u32>(end - at));
  }

  /** lowerdir+=. */
  addLower(at: usize, end: usize): void {
    this.lowers.text(",lowerdir+=").option(at, <u32>(end - at));
  }

  setUpper(at: usize, end: usize): void {
    this.upper.clear();
    this.upper.text(",upperdir=").option(at, <u32>(end - at));
  }

  setWorkdir(at: usize, end: usize): void {
    this.workdir.clear();
    this.workdir.text(",workdir=").option(at, <u32>(end - at));
  }

  /** Leaves the words with the overlay they made; a work directory means nothing without an upper layer. */
  giveTo(fs: OverlayFilesystem): void {
    const all = this.lowers;
    if (fs.hasUpper) {
      all.bytes(this.upper.start, this.upper.length);
      all.bytes(this.workdir.start, this.workdir.length);
    }
    fs.shownLayers = duplicate(all.start, all.length);
    fs.shownLength = all.length;
  }

  destroy(): void {
    endText(this.lowers);
    endText(this.upper);
    endText(this.workdir);
    free(this);
  }
}

function endText(text: Text): void {
  text.destroy();
  free(text);
}
