// The host's side of assembly/host.ts over the native helper. One per thread: the helper's memory slots belong to it.
//
// The kernel is trusted no further than the guest here: descriptor numbers are looked up in the sandbox's own table, and
// addresses and lengths are checked by the helper against the registered memories.

import { EBADF, EFAULT, EPIPE } from "../../../assembly/abi/errno.ts";
import type { Native } from "../../native/index.ts";
import type { GuestCopies, HostFunctions } from "../kernel/instance.ts";
import { Connections } from "./connections.ts";

const KERNEL_SLOT = 0;
const GUEST_SLOT = 1;
/** One i32 of the host's own: a descriptor that came over a socket is believed from here, not from the kernel's memory. */
const DESCRIPTOR_SLOT = 2;
/** The table of handles, for the calls that look at it themselves. */
const HANDLES_SLOT = 3;
/** Above all that a kernel's memory can have. */
const NOWHERE = 0xfffffff0;

/**
 * A descriptor of the handle table: not ours, a standard stream, or donated by a gofer (and ours to close; attached.c of the
 * helper knows the number).
 */
const HANDLE_NONE = 0;
const HANDLE_STREAM = 1;
const HANDLE_DONATED = 2;

/** More descriptors than RLIMIT_NOFILE lets a process have here; one above it is refused. */
const HANDLES_MAX = 1 << 20;

/** What the threads of one sandbox share, besides the kernel's memory. */
export interface SharedHost {
  /** The table of connections to the gofer (connections.ts). */
  readonly connections: SharedArrayBuffer;
  /** For each descriptor number what it is to the kernel. */
  readonly handles: SharedArrayBuffer;
}

/** `sockets`: our ends of the gofer's connections, which stay the caller's; `windows` as Connections.add() takes them. */
export function makeSharedHost(
  sockets: readonly number[],
  streams: readonly number[],
  windows: readonly (number | undefined)[] = [],
): SharedHost {
  const connections = new Connections();
  connections.add(sockets, false, windows);
  const shared = { connections: connections.buffer, handles: new SharedArrayBuffer(HANDLES_MAX) };
  addStreams(shared, streams);
  return shared;
}

/** Lets the kernel use descriptors of the host's as streams. */
export function addStreams({ handles }: SharedHost, streams: readonly number[]): void {
  const table = new Uint8Array(handles);
  for (const fd of streams) table[fd] = HANDLE_STREAM;
}

/** Before they are closed. */
export function removeStreams({ handles }: SharedHost, streams: readonly number[]): void {
  const table = new Uint8Array(handles);
  for (const fd of streams) table[fd] = HANDLE_NONE;
}

/** See DESCRIPTOR_SLOT. One for each thread, as the helper's slots are. */
const donated = new Int32Array(1);
/** Whose memories are in this thread's slots: each host puts its own there before it calls the helper. */
let registered: ThreadHost | undefined;

export interface ThreadHost {
  readonly functions: HostFunctions;
  /** By the helper: where the kernel cannot reach the guest's memory itself. */
  readonly copies: GuestCopies;
  /** The exit code that the guest left with, once `exited` was called. */
  exitCode(): number | undefined;
  /**
   * Runs all functions once, with arguments that do nothing. The guest may have no more stack left than the kernel's probe
   * asks for when it calls, and that is not enough for the engine to compile a function that it meets for the first time.
   */
  compile(): void;
}

/** How much a guest may write to its streams. */
export interface OutputLimit {
  readonly bytes: number;
  /** Told once, when a write would have been more: it was not made, and none is from then on. */
  exceeded(): void;
}

/**
 * `cancelFd` is an eventfd that ends this thread's native waits, or -1.
 */
export function makeThreadHost(
  native: Native,
  kernelMemory: WebAssembly.Memory,
  guestMemory: WebAssembly.Memory,
  shared: SharedHost,
  cancelFd: number,
  output?: OutputLimit,
): ThreadHost {
  const handles = new Uint8Array(shared.handles);
  const connections = new Connections(shared.connections);
  let exitCode: number | undefined;
  let outputLeft = output?.bytes ?? Number.POSITIVE_INFINITY;
  let kernelView = new Uint8Array(kernelMemory.buffer);
  let guestView = new Uint8Array(guestMemory.buffer);
  let words = new Int32Array(kernelMemory.buffer);

  const takeSlots = (): void => {
    if (registered === host) return;
    native.registerMemory(KERNEL_SLOT, kernelView);
    native.registerMemory(GUEST_SLOT, guestView);
    native.registerMemory(DESCRIPTOR_SLOT, new Uint8Array(donated.buffer));
    native.registerMemory(HANDLES_SLOT, handles);
    registered = host;
  };
  /** After -EFAULT: whether the kernel's memory has grown, so that the call is worth another try. */
  const kernelGrew = (): boolean => {
    if (kernelView.byteLength === kernelMemory.buffer.byteLength) return false;
    kernelView = new Uint8Array(kernelMemory.buffer);
    words = new Int32Array(kernelMemory.buffer);
    native.registerMemory(KERNEL_SLOT, kernelView);
    return true;
  };
  /** A guest's memory that grows is a new buffer; the helper answers -EFAULT for the old one. */
  const guestGrew = (): boolean => {
    if (guestView.buffer === guestMemory.buffer) return false;
    guestView = new Uint8Array(guestMemory.buffer);
    native.registerMemory(GUEST_SLOT, guestView);
    return true;
  };
  const grew = (): boolean => {
    const kernel = kernelGrew();
    return guestGrew() || kernel;
  };
  const retrying = (call: () => number): number => {
    takeSlots();
    const result = call();
    return result === -EFAULT && kernelGrew() ? call() : result;
  };

  /** Whether the vector's spans are more than may still be written to streams. */
  const isTooMuch = (vector: number, count: number): boolean => {
    let length = 0;
    kernelGrew();
    for (let i = 0; i < count && length <= outputLeft; i++)
      length += words[(vector >>> 2) + 2 * i + 1]! >>> 0;
    if (length <= outputLeft) return false;
    if (outputLeft >= 0) output?.exceeded();
    outputLeft = -1;
    return true;
  };

  const functions: HostFunctions = {
    clockTime(clock, out) {
      takeSlots();
      const result = native.clockGettime(clock, KERNEL_SLOT, out);
      return result === -EFAULT && kernelGrew() ? native.clockGettime(clock, KERNEL_SLOT, out) : result;
    },
    clockResolution: (clock, out) => retrying(() => native.clockGetres(clock, KERNEL_SLOT, out)),
    random: (out, length) => retrying(() => native.getrandom(KERNEL_SLOT, out, length)),
    exited(_thread, code) {
      exitCode = code;
    },
    p9Rpc(_thread, connection, request, requestLength, response, capacity, fdOut) {
      // Both are asked before either answer counts: compile() reaches all that this calls.
      const socket = connections.socket(connection);
      const window = connections.window(connection);
      if (socket === undefined) return -EBADF;
      takeSlots();
      // Grown memory is registered before anything is sent: a request must not go out twice.
      kernelGrew();
      // An address of no i32 would have the descriptor's number written to one place and read from another.
      if (fdOut & 3) return -EFAULT;
      const call = window === undefined ? native.p9Rpc : native.windowRpc;
      const result = call(
        window ?? socket,
        KERNEL_SLOT,
        request,
        requestLength,
        response,
        capacity,
        DESCRIPTOR_SLOT,
        0,
        cancelFd,
      );
      let fd = result < 0 ? -1 : donated[0]!;
      if (fd >= HANDLES_MAX) {
        native.close(fd);
        fd = -1;
      }
      if (fd >= 0) handles[fd] = HANDLE_DONATED;
      words[fdOut >>> 2] = fd;
      return result;
    },
    closeConnection(connection) {
      connections.release(native, connection);
    },
    closeHandle(handle) {
      if (handles[handle] !== HANDLE_DONATED) return -EBADF;
      handles[handle] = HANDLE_NONE;
      return native.close(handle);
    },
    readGuest(_thread, handle, vector, count, position) {
      const kind = handles[handle];
      if (!kind) return -EBADF;
      takeSlots();
      const cancel = kind === HANDLE_STREAM ? cancelFd : -1;
      const result = native.readv(handle, KERNEL_SLOT, vector, count, GUEST_SLOT, position, cancel);
      if (result !== -EFAULT || !grew()) return result;
      return native.readv(handle, KERNEL_SLOT, vector, count, GUEST_SLOT, position, cancel);
    },
    writeGuest(_thread, handle, vector, count, position) {
      const kind = handles[handle];
      if (!kind) return -EBADF;
      takeSlots();
      const cancel = kind === HANDLE_STREAM ? cancelFd : -1;
      if (output !== undefined && kind === HANDLE_STREAM && isTooMuch(vector, count)) return -EPIPE;
      let result = native.writev(handle, KERNEL_SLOT, vector, count, GUEST_SLOT, position, cancel);
      if (result === -EFAULT && grew()) {
        result = native.writev(handle, KERNEL_SLOT, vector, count, GUEST_SLOT, position, cancel);
      }
      if (kind === HANDLE_STREAM && result > 0) outputLeft -= result;
      return result;
    },
    preadGuest(request) {
      takeSlots();
      if (guestView.length === 0) guestGrew();
      const result = native.preadGuest(request);
      return result === -EFAULT && grew() ? native.preadGuest(request) : result;
    },
    pwriteGuest(request) {
      takeSlots();
      if (guestView.length === 0) guestGrew();
      const result = native.pwriteGuest(request);
      return result === -EFAULT && grew() ? native.pwriteGuest(request) : result;
    },
    readKernel(_thread, handle, vector, count, position) {
      if (!handles[handle]) return -EBADF;
      takeSlots();
      kernelGrew();
      return native.readv(handle, KERNEL_SLOT, vector, count, KERNEL_SLOT, position, -1);
    },
    writeKernel(_thread, handle, vector, count, position) {
      const kind = handles[handle];
      if (!kind) return -EBADF;
      takeSlots();
      kernelGrew();
      if (output !== undefined && kind === HANDLE_STREAM && isTooMuch(vector, count)) return -EPIPE;
      const result = native.writev(handle, KERNEL_SLOT, vector, count, KERNEL_SLOT, position, -1);
      if (kind === HANDLE_STREAM && result > 0) outputLeft -= result;
      return result;
    },
    pollHandles(_thread, fds, count, timeoutNs) {
      if (fds & 3) return -EFAULT;
      takeSlots();
      kernelGrew();
      for (let i = 0; i < count; i++) {
        const fd = words[(fds >>> 2) + i * 2];
        if (fd === undefined || !handles[fd]) return -EBADF;
      }
      return native.poll(KERNEL_SLOT, fds, count, timeoutNs, cancelFd);
    },
  };
  const copies: GuestCopies = {
    copyin(kernel, guest, length) {
      takeSlots();
      if (guestView.length === 0) guestGrew();
      if (native.copyFromGuest(kernel, guest, length) === 0) return;
      grew();
      if (native.copyFromGuest(kernel, guest, length) < 0) throw new RangeError("copyin");
    },
    copyout(guest, kernel, length) {
      takeSlots();
      if (guestView.length === 0) guestGrew();
      if (native.copyToGuest(kernel, guest, length) === 0) return;
      grew();
      if (native.copyToGuest(kernel, guest, length) < 0) throw new RangeError("copyout");
    },
  };
  const compile = (): void => {
    copies.copyin(0, 0, 0);
    copies.copyout(0, 0, 0);
    functions.clockTime(0, NOWHERE);
    functions.clockResolution(0, NOWHERE);
    functions.random(NOWHERE, 1);
    functions.p9Rpc(0, -1, 0, 0, 0, 0, 0);
    functions.closeConnection(-1);
    functions.closeHandle(-1);
    functions.readGuest(0, -1, 0, 0, -1);
    functions.writeGuest(0, -1, 0, 0, -1);
    functions.preadGuest(NOWHERE);
    functions.pwriteGuest(NOWHERE);
    functions.readKernel(0, -1, 0, 0, -1);
    functions.writeKernel(0, -1, 0, 0, -1);
    functions.pollHandles(0, 0, 0, 0);
    grew();
    functions.exited(0, 0);
    exitCode = undefined;
  };
  const host: ThreadHost = { functions, copies, exitCode: () => exitCode, compile };
  return host;
}
