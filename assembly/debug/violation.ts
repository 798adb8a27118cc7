// What the checks find: the first rule that does not hold, and the object that breaks it.

/** A page's byte in the page map says neither free nor used, or says so inside a block. */
export const BAD_PAGE_MAP: u32 = 1;
/** A list of free blocks: a link, a block that is not free, or their number. */
export const BAD_FREE_LIST: u32 = 2;
/** The pages in use are not as many as were counted. */
export const BAD_PAGE_COUNT: u32 = 3;
/** A slab's header or the list of its free blocks. */
export const BAD_SLAB: u32 = 4;
/** A list of slabs with free blocks. */
export const BAD_SLAB_LIST: u32 = 5;
/** More objects are in use than were counted. */
export const BAD_OBJECT_COUNT: u32 = 6;
/** What a pointer leads to was freed, or is of another class. */
export const BAD_OBJECT: u32 = 7;
/** A dentry in the hash table: its flags, bucket, hash or parent. */
export const BAD_DENTRY: u32 = 8;
/** A list of unreferenced dentries: a link, a flag, a file system, or their number. */
export const BAD_LRU: u32 = 9;
/** Fewer references are counted than held: the object would end too early. */
export const BAD_REFERENCES: u32 = 10;
/** A mount's place, or the list it is in. */
export const BAD_MOUNT: u32 = 11;
/** A tmpfs has not as many pages in use as its files have. */
export const BAD_TMPFS_PAGES: u32 = 12;
/** A file system has not as many dentries as it counts. */
export const BAD_DENTRY_COUNT: u32 = 13;
@final
export class Violation {
  code: u32 = 0;
  object: usize = 0;

  /** Notes the first one. Always false, for the caller to return. */
  at(code: u32, object: usize): bool {
    if (this.code == 0) {
      this.code = code;
      this.object = object;
    }
    return false;
  }
}
