// Extended attributes (linux/xattr.h, linux/limits.h, linux/capability.h).

export const XATTR_CREATE = 1;
export const XATTR_REPLACE = 2;

export const XATTR_NAME_MAX = 255;
export const XATTR_SIZE_MAX = 65536;
export const XATTR_LIST_MAX = 65536;

// POSIX access control lists as attribute values (linux/posix_acl.h, linux/posix_acl_xattr.h): a u32 version, then entries of
// { u16 tag, u16 permissions, u32 id }.
export const POSIX_ACL_XATTR_VERSION = 2;
export const ACL_USER_OBJ = 0x01;
export const ACL_USER = 0x02;
export const ACL_GROUP_OBJ = 0x04;
export const ACL_GROUP = 0x08;
export const ACL_MASK = 0x10;
export const ACL_OTHER = 0x20;

// File capabilities as the value of security.capability (linux/capability.h).
export const VFS_CAP_REVISION_MASK = 0xff000000;
export const VFS_CAP_REVISION_2 = 0x02000000;
export const VFS_CAP_REVISION_3 = 0x03000000;
export const XATTR_CAPS_SZ_2 = 20;
export const XATTR_CAPS_SZ_3 = 24;
