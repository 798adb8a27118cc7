// watch, watchFile and promises.watch. Which events come is compared, not how many times each.

import type { FSWatcher, Stats } from "node:fs";
import type { Define, Run } from "../case.ts";

/** Events come through the event loop; a loaded machine takes its time. */
const SETTLE_MS = 30;

function pause(ms = SETTLE_MS): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The events of a watch of `name` while `change` runs, each once. */
async function eventsOf(run: Run, name: string, options: unknown, change: () => unknown): Promise<string[]> {
  const seen = new Set<string>();
  const watcher = run.fs.watch(
    run.at(name),
    options as never,
    ((event: string, file: unknown) => {
      seen.add(`${event} ${Buffer.isBuffer(file) ? `buffer ${file.toString()}` : String(file)}`);
    }) as never,
  );
  await pause();
  await change();
  await pause();
  watcher.close();
  return [...seen].sort();
}

const CHANGES: readonly (readonly [string, string, (run: Run) => unknown])[] = [
  ["a file is made", "d", (run) => run.fs.writeFileSync(run.at("d/new"), "x")],
  ["a directory is made", "d", (run) => run.fs.mkdirSync(run.at("d/new"))],
  ["a link is made", "d", (run) => run.fs.symlinkSync("x", run.at("d/new"))],
  ["a file is written", "d", (run) => run.fs.writeFileSync(run.at("d/f"), "y")],
  ["a file is appended to", "d", (run) => run.fs.appendFileSync(run.at("d/f"), "y")],
  ["a file is removed", "d", (run) => run.fs.unlinkSync(run.at("d/f"))],
  ["a file is renamed", "d", (run) => run.fs.renameSync(run.at("d/f"), run.at("d/g"))],
  ["a file is moved in", "d", (run) => run.fs.renameSync(run.at("f"), run.at("d/in"))],
  ["a file is moved out", "d", (run) => run.fs.renameSync(run.at("d/f"), run.at("out"))],
  ["a mode changes", "d", (run) => run.fs.chmodSync(run.at("d/f"), 0o600)],
  ["times change", "d", (run) => run.fs.utimesSync(run.at("d/f"), 1, 1)],
  ["a file is read", "d", (run) => run.fs.readFileSync(run.at("d/f"))],
  ["a file is truncated", "d", (run) => run.fs.truncateSync(run.at("d/f"), 0)],
  ["the file is written", "f", (run) => run.fs.writeFileSync(run.at("f"), "y")],
  ["the file is removed", "f", (run) => run.fs.unlinkSync(run.at("f"))],
  ["the file is renamed", "f", (run) => run.fs.renameSync(run.at("f"), run.at("g"))],
  ["the file's mode changes", "f", (run) => run.fs.chmodSync(run.at("f"), 0o600)],
  ["nothing changes", "d", () => undefined],
];

function plant(run: Run): void {
  run.fs.mkdirSync(run.at("d/sub"), { recursive: true });
  run.fs.writeFileSync(run.at("d/f"), "x");
  run.fs.writeFileSync(run.at("f"), "x");
}

export function watchCases(define: Define): void {
  for (const [sentence, name, change] of CHANGES) {
    define(`watch: ${sentence}`, (run) => {
      plant(run);
      return eventsOf(run, name, {}, () => change(run));
    });
  }
  for (const options of ["buffer", { encoding: "buffer" }, "hex", { persistent: false }]) {
    define(`watch with ${JSON.stringify(options)}`, (run) => {
      plant(run);
      return eventsOf(run, "d", options, () => run.fs.writeFileSync(run.at("d/new"), "x"));
    });
  }
  watcherCases(define);
  promiseCases(define);
  fileCases(define);
}

function watcherCases(define: Define): void {
  define("watch of a missing file", (run) => {
    try {
      return run.fs.watch(run.at("missing"));
    } catch (error) {
      return [error, (error as { filename?: string }).filename];
    }
  });
  define("watch refuses wrong arguments", (run) =>
    [
      [1],
      [run.dir, 1],
      [run.dir, { persistent: true }, 1],
      [run.dir, { encoding: "nope" }],
      [run.dir, { signal: 1 }],
      [run.dir, null],
    ].map((args) => {
      let watcher: FSWatcher | undefined;
      try {
        watcher = (run.fs.watch as (...all: unknown[]) => FSWatcher)(...args);
        return watcher.constructor.name;
      } catch (error) {
        return error;
      } finally {
        watcher?.close();
      }
    }),
  );
  define("a watcher closes with an event, once", async (run) => {
    const watcher = run.fs.watch(run.dir);
    const events: string[] = [];
    watcher.on("close", () => events.push("close"));
    watcher.close();
    watcher.close();
    events.push("after");
    await pause();
    return events;
  });
  define("a closed watcher tells nothing", async (run) => {
    const events: string[] = [];
    const watcher = run.fs.watch(run.dir, () => events.push("change"));
    watcher.close();
    run.fs.writeFileSync(run.at("f"), "x");
    await pause();
    return events;
  });
  define("a watcher is closed by a signal", async (run) => {
    const controller = new AbortController();
    const watcher = run.fs.watch(run.dir, { signal: controller.signal });
    const closed = new Promise((resolve) => watcher.on("close", () => resolve("closed")));
    controller.abort();
    return closed;
  });
  define("the shape of a watcher", (run) => {
    const watcher = run.fs.watch(run.dir);
    const outcome = [
      watcher.constructor.name,
      typeof watcher.ref,
      watcher.ref() === watcher,
      watcher.unref() === watcher,
    ];
    watcher.close();
    return outcome;
  });
}

function promiseCases(define: Define): void {
  define("promises.watch until its signal is aborted", async (run) => {
    const controller = new AbortController();
    const events = new Set<string>();
    let end: unknown = "ended";
    setTimeout(() => run.fs.writeFileSync(run.at("f"), "x"), SETTLE_MS);
    try {
      for await (const { eventType, filename } of run.fs.promises.watch(run.dir, {
        signal: controller.signal,
      })) {
        events.add(`${eventType} ${filename}`);
        if (eventType === "change") controller.abort();
      }
    } catch (error) {
      end = error;
    }
    return [[...events].sort(), end];
  });
  define("promises.watch refuses wrong arguments", async (run) => {
    const outcomes = [];
    for (const [path, options] of [
      [1, {}],
      [run.dir, 1],
      [run.dir, { encoding: "nope" }],
      [run.dir, { signal: 1 }],
      [run.dir, { persistent: 1 }],
      [run.dir, { recursive: 1 }],
    ] as const) {
      try {
        for await (const event of run.fs.promises.watch(path as never, options as never))
          outcomes.push(event);
      } catch (error) {
        outcomes.push(error);
      }
    }
    return outcomes;
  });
  define("promises.watch of a missing file", async (run) => {
    for await (const event of run.fs.promises.watch(run.at("missing"))) return event;
  });
  define("promises.watch with a signal that is aborted", async (run) => {
    for await (const event of run.fs.promises.watch(run.dir, { signal: AbortSignal.abort() })) return event;
  });
}

function fileCases(define: Define): void {
  const watched = (run: Run, change: () => unknown, options: object = {}): Promise<unknown> =>
    new Promise((resolve) => {
      const path = run.at("f");
      const watcher = run.fs.watchFile(path, { interval: 5, ...options }, (now: Stats, before: Stats) => {
        run.fs.unwatchFile(path);
        resolve([now.size, before.size, typeof now.mtimeMs, watcher.constructor.name]);
      });
      setTimeout(change, SETTLE_MS);
    });
  define("watchFile: the file grows", (run) => {
    run.fs.writeFileSync(run.at("f"), "x");
    return watched(run, () => run.fs.writeFileSync(run.at("f"), "xyz"));
  });
  define("watchFile: the file is removed", (run) => {
    run.fs.writeFileSync(run.at("f"), "x");
    return watched(run, () => run.fs.unlinkSync(run.at("f")));
  });
  define("watchFile of a missing file calls at once, with zeros", (run) => watched(run, () => undefined));
  define("watchFile with bigints", (run) => {
    run.fs.writeFileSync(run.at("f"), "x");
    return watched(run, () => run.fs.writeFileSync(run.at("f"), "xyz"), { bigint: true });
  });
  define("watchFile refuses wrong arguments", (run) =>
    [[run.dir], [run.dir, {}], [1, () => {}], [run.dir, 1], [run.dir, { interval: "x" }, () => {}]].map(
      (args) => {
        try {
          (run.fs.watchFile as (...all: unknown[]) => unknown)(...args);
          run.fs.unwatchFile(run.dir);
          return "watched";
        } catch (error) {
          return error;
        }
      },
    ),
  );
  define("unwatchFile of one listener leaves the other", async (run) => {
    run.fs.writeFileSync(run.at("f"), "x");
    const calls: string[] = [];
    const first = (): void => void calls.push("first");
    run.fs.watchFile(run.at("f"), { interval: 5 }, first);
    run.fs.watchFile(run.at("f"), { interval: 5 }, () => void calls.push("second"));
    run.fs.unwatchFile(run.at("f"), first);
    await pause();
    run.fs.writeFileSync(run.at("f"), "xyz");
    await pause();
    run.fs.unwatchFile(run.at("f"));
    return [...new Set(calls)];
  });
  define("unwatchFile of what is not watched", (run) => run.fs.unwatchFile(run.at("f")));
}
