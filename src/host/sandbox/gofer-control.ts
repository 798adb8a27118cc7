// What a running gofer serves, changed: trees are added to it and taken away (src/gofer/control/methods.ts).
//
// Who calls opens the root of each, since the gofer sees no file by name. A gofer in namespaces takes only mounts that have nothing
// above them. They are made here where this process may make mounts, so that they have what is mounted now; otherwise by the gofer's
// launcher, which sees mounts as they were when it started, and those that were made since where the host shares them.

import { EINVAL, ENAMETOOLONG, EPERM } from "../../../assembly/abi/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_PATH } from "../../../assembly/abi/fcntl.ts";
import { PATH_MAX } from "../../../assembly/abi/limits.ts";
import { ErrnoError, WvisorError } from "../../common/errors.ts";
import type { Native } from "../../native/index.ts";
import { askForRoot, ROOT_REQUEST_SIZE } from "../../native/root-request.ts";
import { UrpcClient } from "../../urpc/client.ts";
import { openPair, SCRATCH_SLOT } from "./gofer-process.ts";

/** A gofer that does not answer for so long was stopped, or taken over. */
const TIMEOUT_MS = 60_000;

export interface AttachPoint {
  /** Unlike all others: 1 to 1,024 bytes, no "/". Clients may call the tree so. */
  readonly name: string;
  readonly readonly: boolean;
  /** Whether the gofer may hand out descriptors of regular files. */
  readonly donate: boolean;
}

export class GoferControl {
  private readonly native: Native;
  private readonly client: UrpcClient;
  /** A socket to the launcher, or -1. */
  private readonly launcher: number;
  private isCaged: boolean | undefined;

  /** Ownership: takes both descriptors. */
  constructor(native: Native, control: number, launcher: number) {
    this.native = native;
    this.client = new UrpcClient(native, control, SCRATCH_SLOT);
    this.launcher = launcher;
  }

  /**
   * Serves `source`, an absolute path of the host whose links are followed. Returns our end of its connection, the caller's.
   *
   * Errors: WvisorError, ERR_WVISOR_REFUSED with the gofer's reason; then nothing stays open.
   */
  addAttachPoint(source: string, { name, readonly, donate }: AttachPoint): number {
    const root = this.openRoot(source, readonly);
    try {
      return this.add(root, { name, readonly, donate });
    } finally {
      this.native.close(root);
    }
  }

  /** Ends its connection. Errors: as above. */
  removeAttachPoint(name: string): void {
    this.client.call("goferManager.Remove", { name }, { timeoutMs: TIMEOUT_MS });
  }

  /** Errors: as above. */
  listAttachPoints(): readonly AttachPoint[] {
    return this.client.call("goferManager.List", null, { timeoutMs: TIMEOUT_MS })
      .result as readonly AttachPoint[];
  }

  /** Returns when the gofer serves. Errors: as above. */
  ping(): void {
    this.client.call("goferManager.Ping", null, { timeoutMs: TIMEOUT_MS });
  }

  /** Nothing can be added any more; the gofer ends with its last connection. */
  close(): void {
    this.client.close();
    if (this.launcher >= 0) this.native.close(this.launcher);
  }

  private add(root: number, options: AttachPoint): number {
    const [ours, theirs] = openPair(this.native);
    try {
      this.client.call("goferManager.Add", options, { files: [theirs, root], timeoutMs: TIMEOUT_MS });
      return ours;
    } catch (error) {
      this.native.close(ours);
      throw error;
    } finally {
      this.native.close(theirs);
    }
  }

  private openRoot(source: string, readonly: boolean): number {
    if (!source.startsWith("/") || source.includes("\0")) throw failure(source, -EINVAL);
    if (Buffer.byteLength(source) >= PATH_MAX) throw failure(source, -ENAMETOOLONG);
    this.isCaged ??= this.askForCage();
    const memory = new Uint8Array(ROOT_REQUEST_SIZE);
    this.native.registerMemory(SCRATCH_SLOT, memory);
    const fd = this.isCaged ? this.openMount(memory, source, readonly) : this.openPath(memory, source);
    if (fd < 0) throw failure(source, fd);
    return fd;
  }

  /** Whether the gofer is in namespaces. */
  private askForCage(): boolean {
    const { result } = this.client.call("goferManager.Ping", null, { timeoutMs: TIMEOUT_MS });
    return (result as { caged?: unknown } | null)?.caged === true;
  }

  private openPath(memory: Uint8Array, source: string): number {
    new TextEncoder().encodeInto(source, memory);
    return this.native.openat(AT_FDCWD, SCRATCH_SLOT, 0, O_PATH | O_CLOEXEC, 0);
  }

  private openMount(memory: Uint8Array, source: string, readonly: boolean): number {
    new TextEncoder().encodeInto(source, memory);
    const fd = this.native.openRootMount(SCRATCH_SLOT, 0, Number(readonly));
    if (fd !== -EPERM || this.launcher < 0) return fd;
    const piece = { slot: SCRATCH_SLOT, memory, base: 0 };
    return askForRoot(this.native, this.launcher, piece, source, readonly);
  }
}

function failure(source: string, error: number): WvisorError {
  const cause = new ErrnoError(-error, "open");
  return new WvisorError("ERR_WVISOR_GOFER", `${source}: ${cause.code}`, undefined, { cause });
}
