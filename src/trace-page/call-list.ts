// The calls, filtered. Only the rows that can be seen are elements: there may be a hundred thousand.

import { duration, element } from "./elements.ts";
import type { Model } from "./model.ts";

const ROW = 22;
/** Rows above and below what is seen. */
const MARGIN = 10;

export class CallList {
  readonly view: HTMLElement;
  readonly #model: Model;
  readonly #filter = element("input", {
    type: "search",
    placeholder: "Filter: words that a call has, such as path_open EACCES /data",
    "aria-label": "filter",
  });
  readonly #failed = element("input", { type: "checkbox", id: "failed" });
  readonly #count = element("span", { class: "quiet", id: "count" });
  readonly #rows = element("div", { class: "rows" });
  readonly #list = element("div", { class: "list", tabindex: "0" }, [this.#rows]);
  readonly #texts: readonly string[];
  /** Indices of the calls that are shown. */
  #shown: readonly number[] = [];
  #marked = -1;

  constructor(model: Model) {
    this.#model = model;
    this.#texts = model.lines.map((line) => line.toLowerCase());
    const label = element("label", { for: "failed" }, ["only those that failed"]);
    const tools = element("div", { class: "tools" }, [this.#filter, this.#failed, label, this.#count]);
    this.view = element("div", {}, [tools, this.#list]);
    this.#filter.addEventListener("input", () => this.#apply());
    this.#failed.addEventListener("change", () => this.#apply());
    this.#list.addEventListener("scroll", () => this.#render());
    addEventListener("resize", () => this.#render());
  }

  /** The view is in the page now. */
  layOut(): void {
    this.#apply();
  }

  /** Goes to a call, whatever the filter says. */
  show(index: number): void {
    this.#marked = index;
    if (!this.#shown.includes(index)) {
      this.#filter.value = "";
      this.#failed.checked = false;
      this.#apply();
    }
    this.#list.scrollTop = Math.max(this.#shown.indexOf(index) * ROW - this.#list.clientHeight / 2, 0);
    this.#render();
    this.#list.scrollIntoView({ block: "nearest" });
  }

  #apply(): void {
    const words = this.#filter.value
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "");
    const { calls } = this.#model;
    const shown: number[] = [];
    for (let index = 0; index < calls.length; index++) {
      if (this.#failed.checked && calls[index]!.errno === undefined) continue;
      if (words.every((word) => this.#texts[index]!.includes(word))) shown.push(index);
    }
    this.#shown = shown;
    this.#count.textContent = `${shown.length} of ${calls.length}`;
    this.#rows.style.height = `${shown.length * ROW}px`;
    this.#list.scrollTop = 0;
    this.#render();
  }

  #render(): void {
    const first = Math.max(Math.floor(this.#list.scrollTop / ROW) - MARGIN, 0);
    const last = Math.ceil((this.#list.scrollTop + this.#list.clientHeight) / ROW) + MARGIN;
    const rows = this.#shown.slice(first, last).map((index, at) => this.#row(index, first + at));
    this.#rows.replaceChildren(...rows);
  }

  #row(index: number, place: number): HTMLElement {
    const { t, dur, errno, reason } = this.#model.calls[index]!;
    const line = this.#model.lines[index]!;
    const kind = reason !== undefined ? "refused" : errno !== undefined ? "failed" : "";
    const row = element(
      "div",
      { class: `row ${kind} ${index === this.#marked ? "marked" : ""}`, title: line },
      [
        element("span", { class: "time" }, [duration(t)]),
        element("span", { class: "time" }, [dur === undefined ? "" : duration(dur)]),
        element("code", {}, [line]),
      ],
    );
    row.style.top = `${place * ROW}px`;
    return row;
  }
}
