// Extended attributes (linux/xattr.h, linux/limits.h, linux/capability.h).

export const XATTR_CREATE = 1;
export const XATTR_REPLACE = 2;

export const XATTR_NAME_MAX = 255;
export const XATTR_SIZE_MAX = 65536;
export const XATTR_LIST_MAX = 65536;
