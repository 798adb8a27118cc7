import { P9Client } from "./p9/client.ts";
export function f(): usize { const c = new P9Client(0, true); c.version(); c.attach(0); c.walk(0,0,0,true); c.getattr(0); c.open(0,0); c.create(0,0,0,0,0); c.mkdir(0,0,0,0,0); c.symlink(0,0,0,0,0,0); c.readlink(0,0); c.read(0,0,0); c.readdir(0,0,0);c.destroy(); return changetype<usize>(c); }
