// The kernel's side: the same programs on the overlay in kernel.wasm, through test/kernel/overlay/driver.ts.

import type { Outcome, Step } from "./program.ts";

type Call = (...numbers: number[]) => number;

/** A fresh kernel. Of the host it needs a clock and numbers that differ. */
function instantiate(module: WebAssembly.Module): {
  exports: WebAssembly.Exports;
  memory: WebAssembly.Memory;
} {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 32768, shared: true });
  let seed = 1;
  let clock = 0n;
  const fail = (): never => {
    throw new Error("the kernel aborted, or called a host function that it has no use for here");
  };
  const host: Record<string, (...numbers: number[]) => number> = {
    clockTime(_clock, out) {
      new DataView(memory.buffer).setBigInt64(out as number, ++clock, true);
      return 0;
    },
    random(out, length) {
      const bytes = new Uint8Array(memory.buffer, out, length);
      for (let i = 0; i < bytes.length; i++) {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
        bytes[i] = seed >>> 24;
      }
      return 0;
    },
  };
  const imports: WebAssembly.Imports = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    const known = from === "host" ? host[name] : undefined;
    imports[from] = { ...imports[from], [name]: kind === "memory" ? memory : (known ?? fail) };
  }
  return { exports: new WebAssembly.Instance(module, imports).exports, memory };
}

class Kernel {
  private readonly exports: Record<string, Call>;
  private readonly memory: WebAssembly.Memory;
  private readonly input: number;
  private readonly output: number;

  constructor(module: WebAssembly.Module, flags: number) {
    const { exports, memory } = instantiate(module);
    this.exports = exports as Record<string, Call>;
    this.memory = memory;
    this.call("setUp", flags);
    this.input = this.call("input");
    this.output = this.call("output");
  }

  private call(name: string, ...numbers: number[]): number {
    return (this.exports[name] as Call)(...numbers);
  }

  /** Puts texts one behind the other where the driver looks for them; returns their lengths. */
  private put(...texts: string[]): number[] {
    const bytes = Buffer.from(this.memory.buffer);
    let at = this.input;
    return texts.map((text) => {
      const length = bytes.write(text, at, "latin1");
      at += length;
      return length;
    });
  }

  private text(length: number): string {
    return Buffer.from(this.memory.buffer).toString("latin1", this.output, this.output + length);
  }

  run({ call, tree, path, other, number }: Step): Outcome {
    const [length, otherLength] = this.put(path, other) as [number, number];
    switch (call) {
      case "mkdir":
        return this.call("mkdir", tree, length, 0o755);
      case "write":
        return Math.min(this.call("write", tree, length, otherLength, 0), 0);
      case "append":
        return Math.min(this.call("write", tree, length, otherLength, 1), 0);
      case "truncate":
      case "chmod":
        return this.call(call, tree, length, number);
      case "unlink":
      case "rmdir":
        return this.call(call, tree, length);
      case "rename":
      case "link":
      case "symlink":
        return this.call(call, tree, length, otherLength);
      case "whiteout":
        return this.call("mknod", tree, length, 0o020000, 0);
      case "fifo":
        return this.call("mknod", tree, length, 0o010644, 0);
      case "mount":
        return this.call("mount");
      case "remount":
        this.call("unmount");
        return this.call("mount");
      case "dump":
        return this.dump(tree, "", new Map());
    }
  }

  private dump(tree: number, at: string, numbers: Map<bigint, string>): string[] {
    const lines: string[] = [];
    for (const { name, ino } of this.list(tree, at || "/")) {
      const file = `${at}/${name}`;
      const length = this.put(file)[0] as number;
      const result = this.call("stat", tree, length);
      if (result < 0) throw new Error(`${file} is listed, but stat gives ${result}`);
      const view = new DataView(this.memory.buffer, this.output, 24);
      const mode = view.getUint32(0, true);
      const nlink = view.getUint32(4, true);
      const number = view.getBigUint64(16, true);
      if (number !== ino) throw new Error(`${file} is listed as ${ino}, but stat gives ${number}`);
      if (mode === 0o020000 && view.getUint32(8, true) === 0) {
        lines.push(`${file} whiteout`);
        continue;
      }
      if (!numbers.has(number)) numbers.set(number, file);
      const type = mode & 0o170000;
      let text = "";
      if (type === 0o100000) text = this.text(this.call("read", tree, length));
      else if (type === 0o120000) text = this.text(this.call("readlink", tree, length));
      else if (type !== 0o040000) text = String(view.getUint32(8, true));
      lines.push(`${file} ${mode.toString(8)} ${nlink} ${numbers.get(number)} ${text}`);
      if (type === 0o040000) lines.push(...this.dump(tree, file, numbers));
    }
    return lines;
  }

  private list(tree: number, path: string): { name: string; ino: bigint }[] {
    const length = this.put(path)[0] as number;
    const used = this.call("list", tree, length);
    if (used < 0) throw new Error(`${path} cannot be listed: ${used}`);
    const view = new DataView(this.memory.buffer, this.output, used);
    const entries: { name: string; ino: bigint }[] = [];
    for (let at = 0; at < used; ) {
      const size = view.getUint32(at + 8, true);
      const name = Buffer.from(this.memory.buffer).toString(
        "latin1",
        this.output + at + 12,
        this.output + at + 12 + size,
      );
      if (name !== "." && name !== "..") entries.push({ name, ino: view.getBigUint64(at, true) });
      at += 12 + size;
    }
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** `flags` are the overlay's OVL_*. */
export function runInKernel(module: WebAssembly.Module, flags: number, steps: readonly Step[]): Outcome[] {
  const kernel = new Kernel(module, flags);
  return steps.map((step) => kernel.run(step));
}
