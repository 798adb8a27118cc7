;; Guest memory through a small module of its own (Node 20, whose V8 has one memory per module): words without JavaScript;
;; copies of more than 64 bytes are made by JavaScript. Module "guest" of assembly/mm/guest.ts, but for copyin and copyout.
(module
  (import "guest-memory" "memory" (memory 0 65536))
  (func (export "ld8") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "ld32") (param i32) (result i32) (i32.load align=1 (local.get 0)))
  (func (export "ld64") (param i32) (result i64) (i64.load align=1 (local.get 0)))
  (func (export "st8") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "st32") (param i32 i32) (i32.store align=1 (local.get 0) (local.get 1)))
  (func (export "st64") (param i32 i64) (i64.store align=1 (local.get 0) (local.get 1)))
  (func (export "size") (result i32) (memory.size)))
