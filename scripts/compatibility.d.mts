export interface Row {
  readonly calls: readonly string[];
  readonly text: string;
  readonly flags: readonly string[];
}
export function table(): readonly { readonly group: string; readonly rows: readonly Row[] }[];
export function numbers(): ReadonlyMap<string, number>;
export function types(): readonly string[];
export function options(): ReadonlyMap<string, readonly string[]>;
