// Fixed addresses in the kernel's memory, below its static data. All kernel state is reached from here.
//
//        0  nothing: a null pointer's neighbourhood
//     1024  the root structure (offsets below)
//    65536  static data of kernel.wasm: constants, written again by each instantiation
//   __heap_base
//           the page map: one byte per 4 KiB page of the whole address space
//           pages

/** The kernel lock's word. */
export const ROOT_LOCK = 1024;
/** 0 before boot, 1 after. */
export const ROOT_BOOTED = 1028;

// The page allocator (mm/page.ts).
export const ROOT_PAGE_MAP = 1032;
export const ROOT_PAGE_LIMIT = 1036;
export const ROOT_PAGES_USED = 1040;
/** Pages that data may still take before the reserve for small objects begins. */
export const ROOT_MAX_PAGES = 1044;
/** Heads of the free lists, one u32 per order (0..10). */
export const ROOT_FREE_LISTS = 1056;

// The slab allocator (mm/slab.ts).
/** Heads of the partial slabs, one u32 per size class. */
export const ROOT_SLABS = 1152;
/** Slabs, partial or full, one u32 per size class. */
export const ROOT_SLAB_COUNTS = 1216;
/** Blocks too large for a slab, and their bytes. */
export const ROOT_LARGE_OBJECTS = 1300;
export const ROOT_LARGE_BYTES = 1304;

/** The dentry hash table (vfs/dcache.ts). */
export const ROOT_VFS = 1312;

/** Kernel addresses stay below 2 GiB, so that a pointer is a positive i32 and -errno is not. */
export const KERNEL_MAX_WASM_PAGES = 32768;
export const KERNEL_INITIAL_WASM_PAGES = 64;
export const KERNEL_MEMORY_BASE = 65536;
/** i64: where the host writes a clock's value. */
export const ROOT_CLOCK = 1320;
/** Head of the registered character devices (vfs/device.ts). */
export const ROOT_DEVICES = 1328;
/** The last st_dev given to a file system. */
export const ROOT_LAST_DEVICE = 1332;
/** How many namespaces were made (kernel/namespace-number.ts). */
export const ROOT_LAST_NAMESPACE = 1336;
/** 1 when a thread failed inside the kernel (sched/kernel-lock.ts). */
export const ROOT_PANIC = 1340;
/** 1 while a thread that was woken for the kernel lock found it taken again (sched/kernel-lock.ts). */
export const ROOT_STARVED = 1344;
/** The first pid namespace, which has all living tasks (kernel/pid-namespace.ts). */
export const ROOT_PIDS = 1348;
/** u64: moves on whenever a path to a directory may lead elsewhere (vfs/path-cache.ts). */
export const ROOT_TREE_GENERATION = 1352;
/** u64: the number of system calls that were given one (sched/thread.ts). */
export const ROOT_CALLS = 1480;
/** i64: CLOCK_MONOTONIC when the kernel was made. */
export const ROOT_BOOT_TIME = 1360;
/** The first namespace of the system's names (kernel/uts.ts). */
export const ROOT_UTS = 1368;
/** The last mount id (vfs/mount.ts). */
export const ROOT_LAST_MOUNT_ID = 1440;
/** The last number given to credentials (auth/credentials.ts). */
export const ROOT_LAST_CREDENTIALS = 1436;
/** The last peer group id (vfs/propagation.ts). */
export const ROOT_LAST_PEER_GROUP_ID = 1444;
/** Head of the registered file system types (vfs/filesystem-type.ts). */
export const ROOT_FILESYSTEM_TYPES = 1448;
/** The hash table of mounts (vfs/mount.ts). */
export const ROOT_MOUNTS = 1428;
/** Head of the list of those who wait for a POSIX record lock (vfs/file-locks.ts). */
export const ROOT_LOCK_WAITS = 1400;
/** The mounts of files without a place in any tree (kernel/anonymous.ts): anon_inodefs and pipefs. */
export const ROOT_ANONYMOUS = 1404;
export const ROOT_PIPEFS = 1420;
/** The mount of the tmpfs that memfd_create(2) makes its files in. */
export const ROOT_MEMFD = 1408;
/** Inotify instances (kernel/inotify.ts). */
export const ROOT_INOTIFY_COUNT = 1412;
/** The last cookie of a rename (vfs/fsnotify.ts). */
export const ROOT_LAST_COOKIE = 1416;
/** Head of the list of all Watches (vfs/watch.ts). */
export const ROOT_WATCHES = 1424;
/** Head of the hierarchies of control groups (fs/cgroupfs/cgroup1.ts). */
export const ROOT_CGROUPS = 1800;
/** Head of the list of all FileLocks (vfs/file-locks.ts). */
export const ROOT_FILE_LOCKS = 1804;
/** Pseudoterminals of all devpts mounts (fs/devpts/instance.ts). */
export const ROOT_TERMINALS = 1808;
/** i64: CLOCK_REALTIME since the kernel lock was taken, or 0 when nobody has asked since (vfs/clock.ts). */
export const ROOT_NOW = 1816;
/** u64 each: pages and inode space that all tmpfs have together, and the most that they may have; 0: as much as each of them may (fs/tmpfs/limits.ts). */
export const ROOT_TMPFS_PAGES = 1824;
export const ROOT_TMPFS_PAGES_MAX = 1832;
export const ROOT_TMPFS_INODE_SPACE = 1840;
export const ROOT_TMPFS_INODE_SPACE_MAX = 1848;
