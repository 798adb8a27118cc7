;; Guest memory as the kernel's second memory (Node 22 and later): merged into kernel.wasm, where the optimiser turns these
;; functions into plain loads and stores. Module "guest" of assembly/mm/guest.ts.
(module
  (import "guest-memory" "memory" (memory $guest 0 65536))
  (import "kernel" "memory" (memory $kernel 64 32768 shared))
  (func (export "ld8") (param i32) (result i32) (i32.load8_u $guest (local.get 0)))
  (func (export "ld32") (param i32) (result i32) (i32.load $guest align=1 (local.get 0)))
  (func (export "ld64") (param i32) (result i64) (i64.load $guest align=1 (local.get 0)))
  (func (export "st8") (param i32 i32) (i32.store8 $guest (local.get 0) (local.get 1)))
  (func (export "st32") (param i32 i32) (i32.store $guest align=1 (local.get 0) (local.get 1)))
  (func (export "st64") (param i32 i64) (i64.store $guest align=1 (local.get 0) (local.get 1)))
  (func (export "copyin") (param i32 i32 i32)
    (memory.copy $kernel $guest (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copyout") (param i32 i32 i32)
    (memory.copy $guest $kernel (local.get 0) (local.get 1) (local.get 2)))
  (func (export "size") (result i32) (memory.size $guest)))
