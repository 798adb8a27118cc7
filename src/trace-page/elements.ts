// Elements of the page. Text goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

type Attributes = Readonly<Record<string, string>>;
type Child = Node | string;

export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  children: readonly Child[] = [],
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function svg<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  children: readonly Child[] = [],
): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function section(title: string, about: string, body: Node): HTMLElement {
  const heading = element("h2", {}, [title]);
  const note = about === "" ? [] : [element("p", { class: "about" }, [about])];
  return element("section", {}, [heading, ...note, body]);
}

const UNITS = [
  ["s", 1e9],
  ["ms", 1e6],
  ["µs", 1e3],
] as const;

/** Nanoseconds for people. */
export function duration(ns: number): string {
  const [unit, size] = UNITS.find(([, least]) => ns >= least) ?? ["ns", 1];
  const amount = ns / size;
  return `${amount >= 100 || unit === "ns" ? Math.round(amount) : amount.toPrecision(3)} ${unit}`;
}
