// What the kernel may call. Every function here is an import of kernel.wasm from module "host".
//
// None of these is called with the kernel lock held, but those marked (quick), which never sleep and never call back.
// Results are `>= 0` or `-errno`. Pointers are addresses in the kernel's memory unless the name says guest.
// `thread` is the address of the calling Thread: the host finds its cancellation eventfd by it.

/** (quick) Writes clock_gettime(clock) as i64 nanoseconds to `out`. */
export declare function clockTime(clock: i32, out: usize): i32;
/** (quick) Writes clock_getres(clock) as i64 nanoseconds to `out`. */
export declare function clockResolution(clock: i32, out: usize): i32;
/** (quick) Fills kernel memory with random bytes. */
export declare function random(out: usize, length: u32): i32;
/** Told once when a guest ends by itself, before its trap. `code` is its exit code. */
export declare function exited(thread: usize, code: i32): void;

/**
 * One 9P round trip on connection `connection`: sends the messages at `request`, receives one message into `response`.
 * Returns its length. `fdOut` receives the handle of a donated descriptor, or -1.
 */
export declare function p9Rpc(
  thread: usize,
  connection: i32,
  request: usize,
  requestLength: u32,
  response: usize,
  capacity: u32,
  fdOut: usize,
): i32;

/** (quick) Nothing comes over the connection any more: its number may become another's. */
export declare function closeConnection(connection: i32): void;
/** (quick) Closes a donated descriptor. */
export declare function closeHandle(handle: i32): i32;
/** Reads from host descriptor `handle` into guest memory; `vector` holds `count` (u32 address, u32 length) pairs; position -1: its own offset. */
export declare function readGuest(thread: usize, handle: i32, vector: usize, count: u32, position: f64): i32;
export declare function writeGuest(thread: usize, handle: i32, vector: usize, count: u32, position: f64): i32;
/**
 * pread(2) and pwrite(2) of a donated descriptor and one span of guest memory: the usual case, at half the cost of a vector.
 * `request` is a Thread's transferRequest.
 */
export declare function preadGuest(request: usize): i32;
export declare function pwriteGuest(request: usize): i32;
/** The same as readGuest() with the spans in kernel memory. */
export declare function readKernel(thread: usize, handle: i32, vector: usize, count: u32, position: f64): i32;
export declare function writeKernel(
  thread: usize,
  handle: i32,
  vector: usize,
  count: u32,
  position: f64,
): i32;
/** poll(2) over `count` struct pollfd at `fds`, whose fd fields are handles. timeoutNs -1: for ever. */
export declare function pollHandles(thread: usize, fds: usize, count: u32, timeoutNs: f64): i32;
