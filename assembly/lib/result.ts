// A pointer or an errno in one word: kernel addresses are below 2 GiB, so a negative i32 is an error.

/** Whether `p` is a -errno. */
export function isError(p: usize): bool {
  return <i32>p < 0;
}

/** An errno (negative) as a pointer-sized result. */
export function errorOf(errno: i32): usize {
  return <usize>errno;
}
