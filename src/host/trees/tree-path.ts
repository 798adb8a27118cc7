// Paths below a tree's root, in bytes: names with a slash between two, none in front.

const SLASH = 0x2f;

export function joinPath(path: Buffer, name: Uint8Array): Buffer {
  return path.length === 0 ? Buffer.from(name) : Buffer.concat([path, Buffer.of(SLASH), name]);
}

/** The names of a path; none of "". */
export function splitPath(path: Uint8Array): Uint8Array[] {
  const names: Uint8Array[] = [];
  for (let at = 0; at < path.length; ) {
    const slash = path.indexOf(SLASH, at);
    const end = slash < 0 ? path.length : slash;
    names.push(path.subarray(at, end));
    at = end + 1;
  }
  return names;
}

/** Without slashes in front, behind, and beside each other. */
export function normalPath(path: Uint8Array): Buffer {
  const names = splitPath(path).filter((name) => name.length > 0);
  return names.reduce<Buffer>(joinPath, Buffer.alloc(0));
}

/** A path's directory and its name there. `path` is not empty. */
export function parentPath(path: Buffer): [parent: Buffer, name: Buffer] {
  const slash = path.lastIndexOf(SLASH);
  return slash < 0 ? [Buffer.alloc(0), path] : [path.subarray(0, slash), path.subarray(slash + 1)];
}

/** Whether `path` is `directory` or below it. */
export function isAtOrBelow(path: Buffer, directory: Buffer): boolean {
  const { length } = directory;
  if (length === 0 || path.equals(directory)) return true;
  return path.length > length && path[length] === SLASH && path.subarray(0, length).equals(directory);
}
