// The tree of mounts.

import type { MountRecord } from "../trace/record.ts";
import { escapeText } from "../trace/value.ts";
import { element } from "./elements.ts";

export function mountsView(mounts: readonly MountRecord[]): HTMLElement {
  const ids = new Set(mounts.map(({ id }) => id));
  const roots = mounts.filter(({ id, parent }) => id === parent || !ids.has(parent));
  return element("ul", { class: "mounts" }, rootsOf(roots, mounts));
}

/** A file may say that mounts are below each other in a circle: each is shown once, and those in circles not at all. */
function rootsOf(roots: readonly MountRecord[], mounts: readonly MountRecord[]): HTMLElement[] {
  const below = new Map<number, MountRecord[]>();
  for (const mount of mounts) {
    if (mount.id === mount.parent) continue;
    const siblings = below.get(mount.parent);
    if (siblings === undefined) below.set(mount.parent, [mount]);
    else siblings.push(mount);
  }
  const items: HTMLElement[] = [];
  const pending: { mount: MountRecord; depth: number }[] = roots
    .map((mount) => ({ mount, depth: 0 }))
    .reverse();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { mount, depth } = next;
    items.push(mountItem(mount, depth));
    const children = below.get(mount.id) ?? [];
    below.delete(mount.id);
    for (const child of children.reverse()) pending.push({ mount: child, depth: depth + 1 });
  }
  return items;
}

const INDENT_EM = 1.6;

function mountItem({ path, type, source, options, fsOptions }: MountRecord, depth: number): HTMLElement {
  const readonly = options.split(",")[0] === "ro" || fsOptions.split(",")[0] === "ro";
  const item = element("li", {}, [
    element("code", {}, [escapeText(path)]),
    " ",
    element("span", { class: "type" }, [type]),
    " ",
    element("span", { class: readonly ? "readonly" : "writable" }, [readonly ? "read-only" : "writable"]),
    " ",
    element("span", { class: "quiet" }, [`${escapeText(source)} · ${options} · ${fsOptions}`]),
  ]);
  item.style.paddingLeft = `${depth * INDENT_EM}em`;
  return item;
}
