// The stack probe, merged into the module by the build (module "stack"): frames that together are larger than the deepest path
// through the kernel and its host imports. V8 compares a function's whole frame with what is left of the stack before it
// runs, so entering the probe is the check. Overflow in it is the guest's death, with no lock held.

/** Enters `more` + 1 frames and returns. `more` is never negative: the branch that uses the frame is not taken. */
export declare function probe(more: i32): void;
