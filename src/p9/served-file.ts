// The file interface: what an object must be to be served over 9P2000.L.
//
// Methods answer at once or with a promise, each as it likes. They throw (or reject) to refuse: an ErrnoError, or any error with
// Node's `errno` or `code`; what has neither is EIO. A method that is not there is one that the file does not know (EOPNOTSUPP,
// or what its type answers: ENOTDIR, EISDIR, EINVAL). Names are bytes, checked by the server: 1 to 255, no slash, no NUL, not
// "." or "..". Buffers that are handed over are the server's memory and good only until the method has answered.
//
// Every method's last argument is the request that it is called for (ServedCall), whose `signal` tells that nobody waits any more.

/** At once or later. */
export type Awaitable<T> = T | PromiseLike<T>;

/** A client's request, to which the call of a method belongs. */
export interface ServedCall {
  /** Aborted when the client gives the request up, or has gone. What the method then rejects with is told to nobody. */
  readonly signal: AbortSignal;
}

/** What getattr tells. The type is part of the mode (S_IF*). */
export interface FileAttributes {
  /** One number for one file, as long as the server runs; what is the same file has the same number. */
  readonly ino: number | bigint;
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly nlink?: number;
  readonly size: number;
  readonly blksize?: number;
  /** In units of 512 bytes; what `size` needs, when it does not say. */
  readonly blocks?: number;
  /** Nanoseconds since 1970. */
  readonly atimeNs?: bigint;
  readonly mtimeNs?: bigint;
  readonly ctimeNs?: bigint;
  readonly btimeNs?: bigint;
}

/** What is to change; a field that is not there stays. */
export interface AttributeChanges {
  /** Permissions alone. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly atimeNs?: bigint | "now";
  readonly mtimeNs?: bigint | "now";
}

/** Whose a new file is to be; undefined where the client leaves it open. */
export interface FileOwner {
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

export interface ServedEntry {
  readonly name: Uint8Array | string;
  readonly ino: number | bigint;
  /** S_IF*. */
  readonly type: number;
}

/** Of a file system, all in blocks of `bsize` bytes. */
export interface FileSystemStatus {
  readonly type?: number;
  readonly bsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly files?: number;
  readonly ffree?: number;
}

/** What open() gives; each part may be missing. */
export interface OpenFile {
  /** Fills `into` from `offset` on. Returns how much; 0 at the end. */
  read?(into: Buffer, offset: number, call: ServedCall): Awaitable<number>;
  /** Returns how much was written. */
  write?(data: Buffer, offset: number, call: ServedCall): Awaitable<number>;
  fsync?(dataOnly: boolean, call: ServedCall): Awaitable<void>;
  /** Once, when the client is done with it and no other method runs. What it refuses with is the client's answer to Tclunk. */
  close?(): Awaitable<void>;
}

export interface ServedFile {
  /** The server refers to the file from now on, once more: a client has a fid on it, or on something that was reached by it. */
  acquire?(): void;
  /** It does so once less. */
  release?(): void;

  attributes(call: ServedCall): Awaitable<FileAttributes>;
  setAttributes?(changes: AttributeChanges, call: ServedCall): Awaitable<void>;
  statfs?(call: ServedCall): Awaitable<FileSystemStatus>;

  // ---- a directory
  /** Throws ENOENT where there is no such entry. */
  lookup?(name: Buffer, call: ServedCall): Awaitable<ServedFile>;
  /** All but "." and "..". */
  entries?(call: ServedCall): Awaitable<Iterable<ServedEntry>> | AsyncIterable<ServedEntry>;
  /** Makes a regular file that is not there yet (EEXIST). */
  create?(name: Buffer, permissions: number, owner: FileOwner, call: ServedCall): Awaitable<ServedFile>;
  mkdir?(name: Buffer, permissions: number, owner: FileOwner, call: ServedCall): Awaitable<ServedFile>;
  symlink?(name: Buffer, target: Buffer, owner: FileOwner, call: ServedCall): Awaitable<ServedFile>;
  /** A FIFO, a socket, a regular file, or a whiteout (character device 0:0). */
  mknod?(name: Buffer, mode: number, owner: FileOwner, call: ServedCall): Awaitable<ServedFile>;
  link?(name: Buffer, file: ServedFile, call: ServedCall): Awaitable<void>;
  /** Throws ENOTDIR, EISDIR and ENOTEMPTY as rmdir(2) and unlink(2) do. */
  unlink?(name: Buffer, isRmdir: boolean, call: ServedCall): Awaitable<void>;
  /** `flags` of renameat2(2), 0 from most clients. */
  rename?(name: Buffer, to: ServedFile, newName: Buffer, flags: number, call: ServedCall): Awaitable<void>;

  // ---- a regular file
  /** `flags` are open(2)'s; O_TRUNC has been seen to. A file that has no open() is its own OpenFile. */
  open?(flags: number, call: ServedCall): Awaitable<OpenFile>;
  read?(into: Buffer, offset: number, call: ServedCall): Awaitable<number>;
  write?(data: Buffer, offset: number, call: ServedCall): Awaitable<number>;
  fsync?(dataOnly: boolean, call: ServedCall): Awaitable<void>;

  // ---- a symbolic link
  readlink?(call: ServedCall): Awaitable<Uint8Array | string>;

  // ---- extended attributes
  getxattr?(name: string, call: ServedCall): Awaitable<Uint8Array>;
  listxattr?(call: ServedCall): Awaitable<Iterable<string>>;
  setxattr?(name: string, value: Buffer, flags: number, call: ServedCall): Awaitable<void>;
  removexattr?(name: string, call: ServedCall): Awaitable<void>;
}
