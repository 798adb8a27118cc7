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
  /** Bytes of file data that the layer may have; the kernel's own limit when absent. */
  readonly overlayBytes?: number;
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
  /** Inodes, or the kernel's own limit when absent; 0 is no limit. */
  readonly inodes?: number;
}

/** Host directories merged: lower layers from top to bottom, and an upper layer in the host directory `upper` or, without one, in memory. */
export interface OverlaySource {
  readonly type: "overlay";
  readonly lowers: readonly string[];
  readonly upper?: string | undefined;
  /** What mount(2) takes besides layers, in one text: "redirect_dir=off"; none when absent. */
  readonly options?: string;
  readonly readonly: boolean;
  readonly cache: CachePolicy;
}

/** Those that a configuration may name. */
export type KernelFilesystem = "proc" | "sysfs" | "devtmpfs" | "devpts" | "mqueue" | "cgroup" | "cgroup2";

/** A file system of the kernel's own, which shows what the kernel has. */
export interface KernelSource {
  readonly type: "kernel";
  readonly name: KernelFilesystem;
  /** As mount(2) takes them, in one text. */
  readonly options: string;
  readonly readonly: boolean;
}

export type MountSource = BindSource | TmpfsSource | OverlaySource | KernelSource;

export interface MountConfig {
  readonly destination: string;
  readonly source: MountSource;
  /** What /proc/mounts shows as its source, for what is not of the host; its type's name when absent. */
  readonly device?: string;
  /** MNT_* besides MNT_READONLY, which the source tells; relatime when absent. */
  readonly flags?: number;
  /** A tmpfs that the containers of a sandbox have in common: the first one's source counts, and each has flags of its own. */
  readonly shared?: SharedVolume;
}

export interface SharedVolume {
  readonly name: string;
  /** What the engine calls it: the same for all of them. */
  readonly source: string;
}

/** A limit as prlimit(2) has it; -1 is none. */
export interface ResourceLimit {
  /** RLIMIT_*. */
  readonly resource: number;
  readonly soft: number;
  readonly hard: number;
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
  /** Those that differ from the kernel's own. */
  readonly rlimits?: readonly ResourceLimit[];
  /** Effective capabilities as a bit mask (bit n = capability n). */
  readonly capabilities: bigint;
}

/**
 * A .wasm of the host that the sandbox offers as a command: a read-only bind at /usr/local/bin/NAME.
 *
 * The loader's rule, once the mounts are there and before the program starts:
 *   1. PROGRAM (process.args[0]) with a "/" is a path inside the sandbox; without one it is looked for on the sandbox's PATH.
 *   2. Not found: an entry with `program: true` (there is at most one) is mounted, and run from there. Its args[0] becomes
 *      that path when PROGRAM was a path of the host (`rewritesArgument`), else it stays PROGRAM.
 *   3. Each entry with `program: false` is mounted when nothing of its name is on the sandbox's PATH: `#!` lines may name it.
 *   4. Still not found: WvisorError("ERR_WVISOR_PROGRAM_NOT_FOUND", "PROGRAM: not found", 127). `do` adds what to install.
 */
export interface RuntimeConfig {
  readonly name: string;
  /** Absolute and without symlinks. */
  readonly file: string;
  /** It answers to PROGRAM. */
  readonly program: boolean;
  /** PROGRAM is this file's path on the host, which means nothing inside the sandbox. */
  readonly rewritesArgument: boolean;
}

export interface SandboxConfig {
  readonly id: string;
  /** At most 64 bytes, as is the domain name. */
  readonly hostname: string;
  /** NIS's; "(none)" when absent. */
  readonly domainname?: string;
  readonly root: MountSource;
  /** Parents are mounted before what lies below them; /proc, /sys and /dev are added when nothing is mounted there. */
  readonly mounts: readonly MountConfig[];
  readonly process: ProcessConfig;
  /** Its working directory is made where it is missing; when absent, it must be there. */
  readonly makesCwd?: boolean;
  /** Absolute and clean, and there or not: programs see nothing in them. */
  readonly maskedPaths?: readonly string[];
  /** The same: programs change nothing in them. */
  readonly readonlyPaths?: readonly string[];
  /** Containers of the sandbox whose namespaces this one is in, by their ids; absent: namespaces of its own. */
  readonly joins?: {
    readonly pid?: string | undefined;
    readonly uts?: string | undefined;
  };
  /** The first process is one that waits for signals, where the program that was named is none that can run: a pod's sandbox. */
  readonly pauses?: boolean;
  /** Commands that the sandbox offers when it has none of their name itself. */
  readonly runtimes: readonly RuntimeConfig[];
  readonly limits: {
    /** The most linear memory that the guest may have, in bytes; 0 = its own maximum. */
    readonly memoryBytes: number;
    /** The most processes that it may have at once; 0 or absent = the sandbox's own bound. */
    readonly processes?: number;
    /** Wall-clock milliseconds; 0 = none. */
    readonly timeoutMs: number;
  };
}
