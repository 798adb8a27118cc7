// What the asynchronous half of wvisor/fs adds to Node's: when calls take effect and complete, and what goes on under a fake clock.

import { afterEach, expect, test, vi } from "vitest";
import { remove } from "../../src/fs/async/remove.ts";
import { createFs } from "../../src/fs/create.ts";
import type { SyncFs } from "../../src/fs/sync/sync.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("a call takes effect when it is made, and completes later", async () => {
  const fs = createFs();
  const seen: string[] = [];
  const written = new Promise<void>((resolve) => {
    fs.writeFile("/f", "x", () => {
      seen.push("callback");
      resolve();
    });
  });
  seen.push(fs.readFileSync("/f", "utf8"));
  const promised = fs.promises.unlink("/f").then(() => seen.push("promise"));
  seen.push(String(fs.existsSync("/f")));
  await Promise.all([written, promised]);
  expect(seen).toEqual(["x", "false", "callback", "promise"]);
});

test("calls complete in their order, each before the microtasks of the next", async () => {
  const fs = createFs({ "/f": "x" });
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    for (const name of ["one", "two"]) {
      fs.stat("/f", () => {
        order.push(name);
        queueMicrotask(() => order.push(`after ${name}`));
      });
    }
    fs.stat("/f", () => resolve());
  });
  expect(order).toEqual(["one", "after one", "two", "after two"]);
});

test("an aborted signal is told after the call returned", async () => {
  const fs = createFs({ "/f": "x" });
  let returned = false;
  const told = new Promise((resolve) => {
    fs.readFile("/f", { signal: AbortSignal.abort() }, (error) => resolve([returned, error?.name]));
  });
  returned = true;
  expect(await told).toEqual([true, "AbortError"]);
});

test("a fake clock holds up neither completions nor watchers", async () => {
  const fs = createFs({ "/d/f": "x" });
  vi.useFakeTimers();
  expect(await fs.promises.readFile("/d/f", "utf8")).toBe("x");
  const told = new Promise((resolve) => {
    const watcher = fs.watch("/d", (type, name) => {
      watcher.close();
      resolve([type, name]);
    });
  });
  fs.writeFileSync("/d/f", "y");
  expect(await told).toEqual(["change", "f"]);
});

test("rm tries again while what it removes is in use, as often as it may", async () => {
  let tries = 0;
  const busy = Object.assign(new Error("busy"), { code: "EBUSY", errno: -16 });
  const fs = {
    rmSync() {
      tries++;
      if (tries < 3) throw busy;
    },
  } as unknown as SyncFs;
  await remove(fs, "/x", { maxRetries: 2, retryDelay: 1 });
  expect(tries).toBe(3);
  tries = 0;
  await expect(remove(fs, "/x", { maxRetries: 1, retryDelay: 1 })).rejects.toBe(busy);
  expect(tries).toBe(2);
});

test("two file systems know nothing of each other", async () => {
  const [one, two] = [createFs({ "/f": "one" }), createFs({ "/f": "two" })];
  const handle = await one.promises.open("/f");
  expect(await two.promises.readFile("/f", "utf8")).toBe("two");
  expect(await one.promises.readFile(handle, "utf8")).toBe("one");
  await handle.close();
  expect(two.createReadStream("/f")).not.toBeInstanceOf(one.ReadStream);
});
