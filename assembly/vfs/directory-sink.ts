// Where FileDescription.iterate() puts directory entries.

export abstract class DirectorySink {
  /**
   * Takes one entry. `type` is a DT_* value; `next` is the cookie from which iteration goes on behind this entry.
   * False: no room, the entry was not taken, stop.
   */
  abstract emit(name: usize, length: u32, ino: u64, type: u32, next: u64): bool;
}
