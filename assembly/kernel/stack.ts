// The stack probe, merged into the module by the build (module "stack"): a function whose frame is larger than the deepest
// path through the kernel and its host imports. V8 compares a function's whole frame with what is left of the stack before
// it runs, so entering the probe is the check. Overflow in it is the guest's death, with no lock held.
//
// Measured (test/e2e/overflow.test.ts with smaller probes): 2 KiB are enough, 1 KiB is not; the frame has 8. What the engine
// needs to compile a JavaScript import is far more, 34 to 39 KiB, and is not part of it: see ThreadHost.compile().

/** `never` is 0: the branch that uses the frame is not taken. */
export declare function probe(never: i32): void;
