// What a sandbox is made of, after every front end (flags of `do`, an OCI bundle, the library) was validated.
// Paths of the host are absolute here; paths inside the sandbox are absolute and clean.

export type CachePolicy = "exclusive" | "shared";

/** A directory or regular file of the host, served by the gofer. */
export interface BindSource {
  readonly type: "bind";
  readonly source: string;
  readonly readonly: boolean;
  /** Changes go to a layer in memory; the source is then served and mounted read-only. */
  readonly overlay: boolean;
  readonly cache: CachePolicy;
}

/** A file system in the kernel's memory. */
export interface TmpfsSource {
  readonly type: "tmpfs";
  readonly readonly: boolean;
  /** Permission bits of its root. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of file data, or 0 for the kernel's own limit. */
  readonly sizeBytes: number;
}

/** Host directories merged: lower layers from top to bottom, and an upper layer in the host directory `upper` or, without one, in memory. */
export interface OverlaySource {
  readonly type: "overlay";
  readonly lowers: readonly string[];
  readonly upper: string | undefined;
  readonly readonly: boolean;
  readonly cache: CachePolicy;
}

/** An empty read-only directory in place of a file system that the kernel does not have yet. */
export interface PlaceholderSource {
  readonly type: "placeholder";
  readonly name: string;
}

/** null, zero, full, random, urandom, and links to the guest's stdio. */
export interface DevSource {
  readonly type: "devtmpfs";
}

export type MountSource = BindSource | TmpfsSource | OverlaySource | PlaceholderSource | DevSource;

export interface MountConfig {
  readonly destination: string;
  readonly source: MountSource;
}

export interface ProcessConfig {
  /** args[0] is the program: a path, or a name to look for on PATH. */
  readonly args: readonly string[];
  /** "NAME=value" strings. */
  readonly env: readonly string[];
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly umask: number;
  /** Effective capabilities as a bit mask (bit n = capability n). */
  readonly capabilities: bigint;
}

/** A .wasm of the host that the sandbox offers as a command: a read-only bind at /usr/local/bin/NAME. */
export interface RuntimeConfig {
  readonly name: string;
  readonly file: string;
}

export interface SandboxConfig {
  readonly id: string;
  readonly hostname: string;
  readonly root: MountSource;
  /** In the order in which they are mounted. /dev is added when nothing is mounted there. */
  readonly mounts: readonly MountConfig[];
  readonly process: ProcessConfig;
  /** Commands that are mounted when PROGRAM is not found otherwise, or that the user named. */
  readonly runtimes: readonly RuntimeConfig[];
  readonly limits: {
    /** The most linear memory that the guest may have, in bytes; 0 = its own maximum. */
    readonly memoryBytes: number;
    /** Wall-clock milliseconds; 0 = none. */
    readonly timeoutMs: number;
  };
}
