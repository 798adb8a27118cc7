// The file system types that the kernel knows, by the names that mount(2) takes.

export const FS_TMPFS: u32 = 1;
export const FS_9P: u32 = 2;
export const FS_OVERLAY: u32 = 3;
export const FS_DEVTMPFS: u32 = 4;
