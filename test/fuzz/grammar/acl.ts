// Access control lists, and capabilities of files: attributes that the kernel itself understands.

import * as nr from "../../../assembly/abi/syscall.ts";
import type { Generator, Rule } from "../generator.ts";
import type { StepArgument } from "../step.ts";

const LISTS = ["system.posix_acl_access", "system.posix_acl_default"] as const;
const VERSION = 2;
const USER_OBJ = 1;
const USER = 2;
const GROUP_OBJ = 4;
const GROUP = 8;
const MASK = 16;
const OTHER = 32;
const NO_ID = 0xffffffff;

const CAPABILITY = "security.capability";
const CAPABILITY_V2 = 0x02000000;

/** Entries in the order that the kernel wants, and now and then ones that it refuses. */
function accessList(g: Generator): Uint8Array {
  const { random } = g;
  const users = [1000, 1001, 2000].filter(() => random.chance(0.4));
  const groups = [1000, 2000].filter(() => random.chance(0.3));
  const named = users.length + groups.length > 0;
  const entries: (readonly [tag: number, id: number])[] = [
    [USER_OBJ, NO_ID],
    ...users.map((id) => [USER, id] as const),
    [GROUP_OBJ, NO_ID],
    ...groups.map((id) => [GROUP, id] as const),
  ];
  if (random.chance(named ? 0.95 : 0.2)) entries.push([MASK, NO_ID]);
  if (random.chance(0.97)) entries.push([OTHER, NO_ID]);
  const bytes = Buffer.alloc(4 + entries.length * 8);
  bytes.writeUInt32LE(random.chance(0.02) ? 1 : VERSION, 0);
  for (const [index, [tag, id]] of entries.entries()) {
    bytes.writeUInt16LE(tag, 4 + index * 8);
    bytes.writeUInt16LE(random.chance(0.01) ? 8 : random.below(8), 6 + index * 8);
    bytes.writeUInt32LE(id, 8 + index * 8);
  }
  return random.chance(0.03) ? bytes.subarray(0, random.below(bytes.length)) : bytes;
}

function capability(g: Generator): Uint8Array {
  const bytes = Buffer.alloc(g.random.chance(0.05) ? 12 : 20);
  bytes.writeUInt32LE(CAPABILITY_V2 | g.random.below(2), 0);
  bytes.writeUInt32LE(g.random.below(256), 4);
  return bytes;
}

function subject(g: Generator): { readonly at: StepArgument; readonly byPath: boolean } {
  const byPath = g.random.chance(0.6);
  const type = g.random.pick(["d", "f"] as const);
  return { at: byPath ? g.plain(g.absolute(type)) : g.fd(type), byPath };
}

function set(g: Generator, name: string, value: Uint8Array): void {
  const { at, byPath } = subject(g);
  const number = byPath ? nr.SYS_setxattr : nr.SYS_fsetxattr;
  g.call(number, [at, name, value, value.length, g.random.chance(0.9) ? 0 : g.random.below(3)]);
}

export const ACL_RULES: readonly Rule[] = [
  {
    name: "setxattr of an ACL",
    number: nr.SYS_setxattr,
    weight: 6,
    run: (g) => set(g, g.random.pick(LISTS), accessList(g)),
  },
  {
    name: "getxattr of an ACL",
    number: nr.SYS_getxattr,
    weight: 3,
    run(g) {
      const { at, byPath } = subject(g);
      const size = g.random.pick([0, 4, 200]);
      const number = byPath ? nr.SYS_getxattr : nr.SYS_fgetxattr;
      const args = [at, g.random.pick(LISTS), { out: Math.max(size, 1) }, size];
      g.call(number, args, size > 0 ? "bytes" : "result");
    },
  },
  {
    name: "removexattr of an ACL",
    number: nr.SYS_removexattr,
    weight: 2,
    run(g) {
      const { at, byPath } = subject(g);
      g.call(byPath ? nr.SYS_removexattr : nr.SYS_fremovexattr, [at, g.random.pick(LISTS)]);
    },
  },
  {
    name: "setxattr of a capability",
    number: nr.SYS_setxattr,
    weight: 2,
    run: (g) => set(g, CAPABILITY, capability(g)),
  },
  {
    name: "getxattr of a capability",
    number: nr.SYS_getxattr,
    weight: 1,
    run: (g) => g.call(nr.SYS_getxattr, [g.plain(g.absolute("f")), CAPABILITY, { out: 40 }, 40], "bytes"),
  },
];
