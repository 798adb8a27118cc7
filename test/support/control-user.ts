// A caller who may be an ordinary user: starts a gofer, has it serve a directory, and reads a file there.
//
//   node control-user.cjs LEVEL DIRECTORY        prints what the file "file" holds

import { P9_TUNLINKAT } from "../../assembly/abi/p9.ts";
import type { Confinement } from "../../src/common/confinement.ts";
import { startDynamicGofer } from "../../src/host/sandbox/dynamic-gofer.ts";
import { requireNative } from "./gofer.ts";
import { Message, P9Client } from "./p9-client.ts";

const [confinement, source] = process.argv.slice(2) as [Confinement, string];
const native = requireNative();
const { pid, control } = startDynamicGofer(native, [], { confinement });
const client = new P9Client(
  native,
  control.addAttachPoint(source, { name: "x", readonly: true, donate: false }),
);
client.version("9P2000.L");
client.attach(0);
const fid = client.reach(0, "file");
client.open(fid, 0);
const text = client.read(fid, 0, 100).toString();
const refused = client.refusal(P9_TUNLINKAT, new Message().u32(0).string("file").u32(0));
client.close();
control.close();
process.stdout.write(`${text} ${refused} ${native.waitpid(pid, 1)}\n`);
