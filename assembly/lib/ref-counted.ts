// Objects that several holders share. A new object has one reference, its maker's; the last decRef() ends it.

export abstract class RefCounted {
  refs: i32 = 1;

  incRef(): void {
    this.refs++;
  }

  decRef(): void {
    assert(this.refs > 0, "a reference is held");
    if (--this.refs == 0) {
      this.destroy();
      free(this);
    }
  }

  /** Gives back what the object holds. The object's own memory is freed by the caller. */
  abstract destroy(): void;
}

/** Frees the memory of an object made by `new`. Its fields must not be read afterwards. */
export function free<T>(object: T): void {
  // @ts-ignore: __freeObject is a global of mm/runtime.ts
  __freeObject(changetype<usize>(object));
}
